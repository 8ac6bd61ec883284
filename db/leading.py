"""Filters of customers by whose members a list is led: an organization, what lies in a tree, who is invited and so on.

Their members are looked up where they are few, and looked for along the list where they are very many (`db/reads/ways.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, literal_column, select

from db import access
from db.engines.dialects import Ordered
from db.reads.filtering import archived_filter, id_filter, moment_filter, reference_filter
from db.reads.reading import Reading
from db.reads.records import Branch, Crowd, Lead, Row, Source
from db.tables import Customer, Invitation
from db.tree import downward, upward

Expression = ColumnElement[Any]
Condition = Callable[[Reading, Row, Any], Expression]

FEW = 5_000
"""Beyond so many members they are looked for along the list."""

ONE: Expression = literal_column("1")


def pending(reading: Reading, invitation: Row) -> list[Expression]:
    """What holds of an invitation that waits for its customer."""
    return [invitation.accepted_at.is_(None), invitation.revoked_at.is_(None), invitation.expires_at > reading.now]


def invited(reading: Reading, customer: Any) -> Expression:
    """Whether an invitation waits for a customer."""
    sent = reading.rows(Invitation)
    open_ = select(ONE).select_from(sent.clause).where(*sent.where, sent.row.customer_id == customer.id)
    return exists(open_.where(*pending(reading, sent.row)))


def _by_project(reading: Reading, given: Any, member: Source) -> Sequence[Branch]:
    project_id = reading.value(given)
    member.crowd = access.crowd_of(reading, project_id)
    return access.members_of(reading, project_id, member)


def _by_tree(reading: Reading, given: Any, member: Source) -> Sequence[Branch]:
    """The customers of an organization and of those below it."""
    top = reading.value(given)

    def size(most: int) -> Expression:
        tree, one = downward(reading, top), reading.rows(Customer)
        led = Ordered(tree, one.clause, one.row.organization_id == tree.c.id)
        return reading.counted(select(ONE.label("one")).select_from(led).where(*one.where, _living(one.row)), most)

    def holds(customer: Row) -> Expression:
        return top.in_(select(upward(reading, customer.organization_id).c.id))

    member.crowd = Crowd(size, FEW, holds)
    tree = downward(reading, top)
    return [Branch(Ordered(tree, member.clause, member.row.organization_id == tree.c.id), [])]


def _by_invitations(reading: Reading, _given: Any, member: Source) -> Sequence[Branch]:
    """The customers who are invited. No customer has two open invitations."""

    def size(most: int) -> Expression:
        sent = reading.rows(Invitation)
        open_ = select(ONE.label("one")).select_from(sent.clause).where(*sent.where, *pending(reading, sent.row))
        return reading.counted(open_, most)

    def holds(customer: Row) -> Expression:
        return and_(_living(customer), customer.activated_at.is_(None), invited(reading, customer))

    member.crowd = Crowd(size, FEW, holds)
    sent = reading.rows(Invitation)
    led = Ordered(sent.clause, member.clause, member.row.id == sent.row.customer_id)
    inactive = [_living(member.row), member.row.activated_at.is_(None)]
    return [Branch(led, [*sent.where, *pending(reading, sent.row), *inactive])]


def _by_status(reading: Reading, given: Any, member: Source) -> Sequence[Branch]:
    if given == ["INVITED"]:
        return _by_invitations(reading, given, member)
    return _by_index(lambda _r, customer, _given: and_(_living(customer), customer.activated_at.is_not(None)))(
        reading, given, member
    )


def _by_index(condition: Condition) -> Callable[[Reading, Any, Source], Sequence[Branch]]:
    """The customers of whom something holds that an index tells."""

    def branches(reading: Reading, given: Any, member: Source) -> Sequence[Branch]:
        def size(most: int) -> Expression:
            one = reading.rows(Customer)
            found = select(ONE.label("one")).select_from(one.clause)
            return reading.counted(found.where(*one.where, _living(one.row), condition(reading, one.row, given)), most)

        member.crowd = Crowd(size, FEW, lambda customer: condition(reading, customer, given))
        return [Branch(member.clause, [condition(reading, member.row, given)])]

    return branches


def _by_range(column: str) -> Callable[[Reading, Any, Source], Sequence[Branch]]:
    """The customers of a range of moments: their ids first, lest SQLite walk along the list's order for them."""
    condition = moment_filter(column)

    def branches(reading: Reading, given: Any, member: Source) -> Sequence[Branch]:
        _by_index(condition)(reading, given, member)
        one = reading.rows(Customer)
        among = [*one.where, _living(one.row)] if member.living else one.where
        ids = select(one.row.id.label("id")).select_from(one.clause).where(*among, condition(reading, one.row, given))
        led = ids.subquery(reading.alias("led"))
        return [Branch(Ordered(led, member.clause, member.row.id == led.c.id), [])]

    return branches


def _living(customer: Row) -> Expression:
    return customer.archived_at.is_(None)


def _beside_a_search(_given: Any, _order: str, search: bool) -> bool:
    return search


def _if_so_beside_a_search(given: Any, _order: str, search: bool) -> bool:
    return given is True and search


def _of_one_status(given: Any, order: str, search: bool) -> bool:
    """Who is active is told by an index in the order of names."""
    return given == ["INVITED"] or (given == ["ACTIVE"] and (search or order != "name_key"))


def _unless_in_order_of(column: str) -> Callable[[Any, str, bool], bool]:
    return lambda _given, order, search: search or order != column


LEADS = {
    "ids": Lead(_by_index(id_filter), _beside_a_search),
    "organization": Lead(_by_index(reference_filter("organization_id")), _beside_a_search),
    "unassigned": Lead(
        _by_index(lambda _r, customer, _given: customer.organization_id.is_(None)), _if_so_beside_a_search
    ),
    "project": Lead(_by_project),
    "in_tree_of": Lead(_by_tree),
    "status": Lead(_by_status, _of_one_status),
    "created_at": Lead(_by_range("created_at"), _unless_in_order_of("created_at")),
    "updated_at": Lead(_by_range("updated_at"), _unless_in_order_of("updated_at")),
    "archived": Lead(_by_index(archived_filter), _if_so_beside_a_search),
}
"""Filters that lead, the narrowest first."""
