"""Bulk calls: every item answered, in the order of the input, and what happens to the others when one is refused."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from db.errors import InvalidValue, NotFound, Refusal, RequestRefusal
from db.transaction import Transaction
from db.writing import Table, at_most, listed, living
from resolvers.context import Outcome
from resolvers.payload import Reference

REJECT_ALL = "REJECT_ALL"

One = Callable[[Transaction, Any, tuple[str, ...]], Awaitable[tuple[str, str]]]


class Rejected(Refusal):
    """An item was refused and the policy is that nothing is done then; `outcome` answers each item."""

    def __init__(self, results: list[dict[str, Any]]) -> None:
        super().__init__("Nothing was written, because an item was refused.")
        told = [r if r["errors"] else {**r, "outcome": "NOT_DONE", "customer": None} for r in results]
        self.outcome: Outcome = {"results": told, "errors": [e for r in results for e in r["errors"]]}


def result(outcome: str, customer_id: str | None, *errors: Refusal) -> dict[str, Any]:
    return {"outcome": outcome, "customer": Reference(customer_id), "errors": list(errors)}


async def each(tx: Transaction, items: Sequence[Any], name: str, policy: str, one: One) -> list[dict[str, Any]]:
    """Does one after the other, each in a savepoint of its own."""
    results = []
    for i, item in enumerate(items):
        try:
            async with tx.savepoint():
                customer_id, outcome = await one(tx, item, (name, str(i)))
            results.append(result(outcome, customer_id))
        except RequestRefusal:
            raise  # no item is at fault
        except Refusal as refusal:
            results.append(result("REFUSED", None, refusal))
    return settled(results, policy)


async def present(
    tx: Transaction, table: Table, ids: Sequence[str], name: str, policy: str
) -> tuple[list[str], list[dict[str, Any]]]:
    """Which of these ids are living records, and the results so far: REFUSED for the others, UNCHANGED for these."""
    known = {row[0] for row in await tx.rows(living(table), ids=listed(ids))}
    results = []
    for i, record_id in enumerate(ids):
        if record_id in known:
            results.append(result("UNCHANGED", record_id))
        else:
            message = f"No living {table.__name__.lower()} has the id {record_id[:80]!r}."
            results.append(result("REFUSED", None, NotFound(message, (name, str(i)), value=record_id[:80])))
    return [one for one in dict.fromkeys(ids) if one in known], settled(results, policy)


def settled(results: list[dict[str, Any]], policy: str) -> list[dict[str, Any]]:
    """The results, unless the policy rejects all of them."""
    if policy == REJECT_ALL and any(r["errors"] for r in results):
        raise Rejected(results)
    return results


def answered(results: list[dict[str, Any]], **more: Any) -> Outcome:
    """The payload of a bulk call."""
    count = sum(r["outcome"] in {"CREATED", "UPDATED"} for r in results)
    return {"count": count, "results": results, "errors": [e for r in results for e in r["errors"]], **more}


def check_choice(ids: Sequence[str] | None, given: Mapping[str, Any] | None, name: str = "customerIds") -> None:
    """Refuses unless exactly one of ids and a filter that says something is given."""
    if (ids is None) == (given is None):
        raise InvalidValue(f"Give either {name} or filter, and not both.", (name,))
    if ids is not None:
        at_most(ids, (name,))
    elif not says_something(given):
        raise InvalidValue(
            "An empty filter would mean everybody. Say which customers are meant.", ("filter",), code="REQUIRED"
        )


def says_something(given: Mapping[str, Any] | None) -> bool:
    """Whether a filter has a condition that can leave somebody out; what an alternative leaves open is open."""
    for name, value in (given or {}).items():
        if name == "or":
            said = bool(value) and all(says_something(one) for one in value)
        elif name == "and":
            said = any(says_something(one) for one in value or ())
        elif isinstance(value, Mapping):
            said = says_something(value)
        else:
            said = value is not None
        if said:
            return True
    return False
