"""Who sees which project: shares with a customer, and shares with its organization or an ancestor of it."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, exists, literal_column, null, or_, select, union, union_all

from db.columns import Key, Milliseconds
from db.engines.dialects import Ordered
from db.reads.records import Arguments, Branch, Crowd, Row, Source
from db.tables import Customer, ProjectCustomer, ProjectOrganization
from db.tree import downward, upward

if TYPE_CHECKING:
    from db.reads.reading import Reading

Expression = ColumnElement[Any]

FEW = 10_000
"""Beyond so many customers who see a project, a page of them is looked for by walking along all customers."""


def projects_of(reading: "Reading", customer_id: Expression, organization_id: Expression) -> Any:
    """The ids of the projects a customer sees."""
    direct, shared = reading.rows(ProjectCustomer), reading.rows(ProjectOrganization)
    chain = upward(reading, organization_id)
    return union(
        select(direct.row.project_id.label("id"))
        .select_from(direct.clause)
        .where(*direct.where, direct.row.customer_id == customer_id),
        select(shared.row.project_id)
        .select_from(Ordered(chain, shared.clause, shared.row.organization_id == chain.c.id))
        .where(*shared.where),
    )


def customers_of(reading: "Reading", project_id: Expression) -> Any:
    """The ids of the customers who see a project."""
    direct, member = reading.rows(ProjectCustomer), reading.rows(Customer)
    tree = downward(reading, organizations_of(reading, project_id))
    return union(
        select(direct.row.customer_id.label("id"))
        .select_from(direct.clause)
        .where(*direct.where, direct.row.project_id == project_id),
        select(member.row.id)
        .select_from(Ordered(tree, member.clause, member.row.organization_id == tree.c.id))
        .where(*member.where, member.row.archived_at.is_(None)),
    )


def members_of(reading: "Reading", project_id: Expression, member: Source) -> list[Branch]:
    """The two ways to the customers who see a project: shares with them, and with organizations above them.

    A customer who is reached by both comes by the first.
    """
    direct, own = reading.rows(ProjectCustomer), reading.rows(ProjectCustomer)
    tree = downward(reading, organizations_of(reading, project_id))
    shared = exists(
        select(literal_column("1"))
        .select_from(own.clause)
        .where(*own.where, own.row.project_id == project_id, own.row.customer_id == member.row.id)
    )
    return [
        Branch(
            Ordered(direct.clause, member.clause, member.row.id == direct.row.customer_id),
            [*direct.where, direct.row.project_id == project_id],
        ),
        Branch(
            Ordered(tree, member.clause, member.row.organization_id == tree.c.id),
            [member.row.archived_at.is_(None), ~shared],
        ),
    ]


def crowd_of(reading: "Reading", project_id: Expression) -> Crowd:
    """The customers who see a project, where these may be very many."""
    return Crowd(
        lambda most: _members(reading, project_id, most), FEW, lambda customer: _sees(reading, customer, project_id)
    )


def _members(reading: "Reading", project_id: Expression, most: int) -> Expression:
    """A project's shares and the customers of organizations that it is shared with, each counted so far."""
    direct, member = reading.rows(ProjectCustomer), reading.rows(Customer)
    tree = downward(reading, organizations_of(reading, project_id))
    one: Expression = literal_column("1").label("one")
    shares = select(one).select_from(direct.clause).where(*direct.where, direct.row.project_id == project_id)
    members = select(one).select_from(Ordered(tree, member.clause, member.row.organization_id == tree.c.id))
    members = members.where(*member.where, member.row.archived_at.is_(None))
    return reading.counted(shares, most) + reading.counted(members, most)


def _sees(reading: "Reading", customer: Row, project_id: Expression) -> Expression:
    """Whether a living customer sees a project."""
    direct, shared = reading.rows(ProjectCustomer), reading.rows(ProjectOrganization)
    chain = upward(reading, customer.organization_id)
    one: Expression = literal_column("1")
    by_itself = select(one).select_from(direct.clause)
    by_itself = by_itself.where(
        *direct.where, direct.row.project_id == project_id, direct.row.customer_id == customer.id
    )
    above = select(one).select_from(Ordered(chain, shared.clause, shared.row.organization_id == chain.c.id))
    return or_(exists(by_itself), exists(above.where(*shared.where, shared.row.project_id == project_id)))


def sees(reading: "Reading", customer: Row, project_id: Expression) -> Expression:
    """The same of any customer, asked of very many: what the project is shared with is looked up once."""
    direct, tree = reading.rows(ProjectCustomer), downward(reading, organizations_of(reading, project_id))
    by_itself: Select[Any] = select(literal_column("1")).select_from(direct.clause)
    by_itself = by_itself.where(
        *direct.where, direct.row.project_id == project_id, direct.row.customer_id == customer.id
    )
    below = and_(
        customer.archived_at.is_(None),
        customer.organization_id.is_not(None),
        customer.organization_id.in_(select(tree.c.id)),
    )
    return or_(exists(by_itself), below)


def organizations_of(reading: "Reading", project_id: Expression) -> Select[Any]:
    """The ids of the organizations a project is shared with, without those below them."""
    shared = reading.rows(ProjectOrganization)
    return (
        select(shared.row.organization_id.label("id"))
        .select_from(shared.clause)
        .where(*shared.where, shared.row.project_id == project_id)
    )


def projects_shared_with(reading: "Reading", organization_id: Expression) -> Select[Any]:
    """The ids of the projects shared with an organization or an ancestor of it."""
    shared, chain = reading.rows(ProjectOrganization), upward(reading, organization_id)
    return (
        select(shared.row.project_id.label("id"))
        .distinct()
        .select_from(Ordered(chain, shared.clause, shared.row.organization_id == chain.c.id))
        .where(*shared.where)
    )


def reasons(reading: "Reading", customer: Any, _arguments: Arguments) -> Source:
    """Why a customer sees each of its projects, as rows (project_id, via, organization_id, since)."""
    direct, shared = reading.rows(ProjectCustomer), reading.rows(ProjectOrganization)
    chain = upward(reading, customer.organization_id)
    ways = union_all(
        select(
            direct.row.project_id.label("project_id"),
            literal_column("'DIRECT'", Key).label("via"),
            null().label("organization_id"),
            direct.row.created_at.label("since"),
        )
        .select_from(direct.clause)
        .where(*direct.where, direct.row.customer_id == customer.id),
        select(
            shared.row.project_id,
            literal_column("'ORGANIZATION'", Key),
            shared.row.organization_id,
            shared.row.created_at,
        )
        .select_from(Ordered(chain, shared.clause, shared.row.organization_id == chain.c.id))
        .where(*shared.where),
    )
    name = reading.alias("access")
    row = Row(name, {"project_id": Key, "via": Key, "organization_id": Key, "since": Milliseconds()})
    visible = reading.records_of("project")
    living = (*visible.where, visible.row.archived_at.is_(None), visible.row.id == row.project_id)
    seen = exists(select(literal_column("1")).select_from(visible.clause).where(*living))
    return Source(
        ways.subquery(name),
        row,
        [seen],
        [row.project_id, row.via, row.organization_id],
    )


def viewers_organization(reading: "Reading") -> Expression:
    """The organization of the customer who asks."""
    me = reading.rows(Customer)
    return (
        select(me.row.organization_id)
        .select_from(me.clause)
        .where(*me.where, me.row.id == reading.viewing_customer)
        .scalar_subquery()
    )
