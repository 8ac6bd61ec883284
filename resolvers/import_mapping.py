"""What is done to saved mappings of imports."""

from collections.abc import Sequence
from typing import Any

from db.mapping import saved as stored
from db.mapping.columns import Given
from db.transaction import Transaction
from resolvers.context import Context, Outcome
from resolvers.payload import Reference


async def create(context: Context, *, kind: str, name: str, header: Sequence[str], mapping: Sequence[Given]) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        return {"import_mapping": Reference(await stored.create(tx, kind, name, header, mapping))}

    return await context.write(work)


async def update(context: Context, *, import_mapping_id: str, **changes: Any) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.change(tx, import_mapping_id, **changes)
        return {"import_mapping": Reference(import_mapping_id)}

    return await context.write(work)


async def remove(context: Context, *, import_mapping_id: str) -> bytes:
    async def work(tx: Transaction) -> Outcome:
        await stored.remove(tx, import_mapping_id)
        return {"removed_id": import_mapping_id}

    return await context.write(work)
