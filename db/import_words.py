"""The words by which search finds customers that an import made: they follow the customers."""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, exists, select

from db import customers
from db.batches import add_words
from db.customers import NewCustomer
from db.database import Database
from db.engines.dialects import quoted
from db.statements import Statement
from db.tables import Customer, CustomerWord, ImportRow
from db.transaction import Transaction
from db.writing import columns, ids_of, listed


async def add(tx: Transaction, new: Sequence[NewCustomer]) -> None:
    """Adds the words of customers that have none. Who has some was changed meanwhile, and they are those of the change."""
    have = {row[0] for row in await tx.rows(WITH_WORDS, ids=listed(one.row["id"] for one in new))}
    await add_words(tx, ((one.row, one.words) for one in new if one.row["id"] not in have))
    tx.move_answers()


async def left(database: Database, workspace_id: str, import_id: str, after: int) -> list[NewCustomer]:
    """The customers without words of an import's rows after a number."""
    rows = await database.rows(WITHOUT_WORDS, workspace=workspace_id, id=import_id, after=after)
    found = (dict(zip(FOUND_BY, row, strict=True)) for row in rows)
    return [NewCustomer(row, customers.words_of(row)) for row in found]


FOUND_BY = ("id", "name_key", "first_name", "last_name", "email", "email_key", "external_id")
_c, _r, _w = columns(Customer), columns(ImportRow), columns(CustomerWord)
_words = _w.workspace_id == bindparam("workspace")
WITH_WORDS = Statement(
    lambda dialect: select(_w.customer_id).distinct().where(_words, _w.customer_id.in_(ids_of(dialect)))
)
WITHOUT_WORDS = Statement(
    select(*(_c[name] for name in FOUND_BY))
    .select_from(
        ImportRow.__table__.join(  # type: ignore[attr-defined]
            Customer.__table__,  # type: ignore[attr-defined]
            and_(_c.workspace_id == bindparam("workspace"), _c.id == _r.record_id),
        )
    )
    .where(
        _r.workspace_id == bindparam("workspace"),
        _r.import_id == bindparam("id"),
        _r.record_number > bindparam("after"),
        _r.status == quoted("CREATED"),
        ~exists(select(_w.word).where(_words, _w.customer_id == _c.id)),
    )
    .order_by(_r.record_number)
)
