"""Undoing an import: how one is asked for, what the import touched, how far the undo is, and what it kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, exists, func, select, update

from db import imports, job_queue
from db.database import Database
from db.engines.dialects import quoted
from db.errors import NotPossible
from db.imports import MOST_ISSUES, Stopped, entries_of
from db.reads.reading import Reading
from db.reads.records import AnyOf, Arguments, Record, Relation
from db.statements import Statement
from db.tables import Change, ChangeRecord, Import, ImportKept, ImportRow, ImportUndo
from db.transaction import Transaction
from db.writing import adding, blank, columns, found, ids_of, listed


def _looked_at(_reading: Reading, undo: Any, _arguments: Arguments) -> Any:
    return undo.undone + undo.partly + undo.kept


IMPORT_UNDO = Record(
    kind="import_undo",
    table=ImportUndo,
    expressions={"records": _looked_at, "partly_undone": lambda _r, undo, _a: undo.partly},
    relations={
        "kept_records": Relation(
            "import_kept", "connection", lambda _r, undo, kept, _a: [kept.import_id == undo.import_id], page=50
        )
    },
    identity="import_id",
)

IMPORT_KEPT = Record(
    kind="import_kept",
    table=ImportKept,
    expressions={"undo": lambda _r, kept, _a: kept.state},
    relations={
        "record": AnyOf(("customer", "organization", "ticket", "project"), lambda _r, kept, _a: kept.record_id),
        "issues": Relation(
            "undo_issue",
            "list",
            source=lambda r, kept, _a: entries_of(r, kept.issues, imports.UNDO_ISSUE),
            page=MOST_ISSUES,
        ),
    },
    identity="record_id",
)

UNDO_ISSUE = Record(kind="undo_issue", expressions={"property": lambda _r, row, _a: row.property_name})


# Asking for one

OPERATION: Final = "undoImport"
FROM_THE_LAST: Final = 2**62
"""Stands above the number of every change."""

ENDED: Final = ("SUCCEEDED", "FAILED", "CANCELLED", "PARTLY_UNDONE")
"""What an import may be for it to be undone."""


async def start(tx: Transaction, import_id: str, *, dry_run: bool) -> None:
    """Queues an undo, or what it would keep; an import that is undone, or is being undone, is left so."""
    row = await found(tx, Import, import_id, ("importId",))
    if row["dry_run"]:
        raise NotPossible("A dry run kept nothing; there is nothing to undo.", ("importId",), value=import_id)
    if row["status"] in {"UNDOING", "UNDONE"} and not dry_run:
        return
    if row["status"] not in ENDED:
        message = f"The import is {row['status']}; only one that ended is undone. Cancel it first, or wait."
        raise NotPossible(message, ("importId",), value=import_id)
    going = await tx.row(STATE, id=import_id)
    if going is not None and going[1] != "ENDED" and dry_run:
        return
    await tx.run(FORGET, id=import_id)
    undo: dict[str, Any] = blank(ImportUndo) | {"import_id": import_id}
    undo |= dict.fromkeys(("done_in_change", "undone", "partly", "kept"), 0)
    undo |= {"dry_run": dry_run, "status": "QUEUED", "before_number": FROM_THE_LAST}
    await tx.run(adding(ImportUndo), **undo | {"created_by": tx.intent.actor_id, "created_at": tx.now})
    if not dry_run:
        await tx.run(TURN, id=import_id, status="UNDOING")
    await job_queue.add(tx, "UNDO", import_id)
    tx.move_answers()


# Carrying one out


class Work(NamedTuple):
    """An undo as a worker takes it up."""

    import_id: str
    dry_run: bool
    status: str
    before_number: int
    done_in_change: int
    actor_id: str | None


class Touched(NamedTuple):
    """A record that a change of the import touched, and the properties that moved."""

    record_id: str
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(slots=True)
class Verdict:
    """What became of one record: UNDONE, PARTLY_UNDONE (some values were changed since) or KEPT, and why."""

    record_id: str
    state: str = "UNDONE"
    issues: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, code: str, message: str, name: str | None = None, *, state: str = "KEPT") -> None:
        self.state = state
        self.issues.append({"property": name, "code": code, "message": message})


class State(NamedTuple):
    """How far an undo is."""

    dry_run: bool
    status: str
    undone: int
    partly: int
    kept: int
    error_message: str | None


async def work_of(database: Database, workspace_id: str, import_id: str) -> Work | None:
    """What a worker needs to know."""
    rows = await database.rows(WORK, workspace=workspace_id, id=import_id)
    return Work(import_id, bool(rows[0][0]), *rows[0][1:]) if rows else None


async def state(database: Database, workspace_id: str, import_id: str) -> State:
    """How far an undo is now."""
    (row,) = await database.rows(STATE, workspace=workspace_id, id=import_id)
    return State(bool(row[0]), *row[1:])


async def kept(database: Database, workspace_id: str, import_id: str, most: int) -> list[tuple[str, str]]:
    """The first records that were kept, each with the first reason."""
    rows = await database.rows(KEPT, workspace=workspace_id, id=import_id, most=most)
    return [(record_id, orjson.loads(issues)[0]["message"]) for record_id, issues in rows]


async def next_change(database: Database, workspace_id: str, import_id: str, before: int) -> int | None:
    """The last change of an import before this one."""
    ((number,),) = await database.rows(NEXT_CHANGE, workspace=workspace_id, id=import_id, before=before)
    return None if number is None else int(number)


async def touched(database: Database, workspace_id: str, number: int) -> list[Touched]:
    """What a change touched."""
    rows = await database.rows(TOUCHED, workspace=workspace_id, number=number)
    return [Touched(one, action, orjson.loads(was), orjson.loads(became)) for one, action, was, became in rows]


async def begin(tx: Transaction, work: Work) -> None:
    """Notes that a worker took an undo up."""
    if not await tx.run(BEGIN, id=work.import_id, dry_run=work.dry_run, now=tx.now):
        raise Stopped
    tx.move_answers()


async def begin_anew(tx: Transaction, work: Work) -> None:
    """A dry run that is taken up again counts from nothing."""
    if not await tx.run(BEGIN_ANEW, id=work.import_id, before_number=FROM_THE_LAST):
        raise Stopped


async def forget_kept(tx: Transaction, import_id: str, most: int) -> int:
    """Removes what an earlier undo listed; tells how many there were."""
    ids = [row[0] for row in await tx.rows(FIRST_KEPT, id=import_id, most=most)]
    if ids:
        await tx.run(FORGET_KEPT, id=import_id, ids=listed(ids))
    return len(ids)


async def advance(tx: Transaction, work: Work, expected: tuple[int, int], after: tuple[int, int]) -> None:
    """Takes a part of the log, in the transaction that undoes it; nobody else can: the change, and how much of it."""
    if not await tx.run(
        ADVANCE,
        id=work.import_id,
        dry_run=work.dry_run,
        expected_before=expected[0],
        expected_done=expected[1],
        before_number=after[0],
        done_in_change=after[1],
    ):
        raise Stopped


async def settle(tx: Transaction, work: Work, verdicts: Sequence[Verdict], *, again: Collection[str] = ()) -> None:
    """Notes what became of records. Those in `again` are met once more, in an earlier change: they are counted there."""
    ids = listed([verdict.record_id for verdict in verdicts])
    known = {one: orjson.loads(issues) for one, issues in await tx.rows(KEPT_OF, id=work.import_id, ids=ids)}
    kept = [verdict for verdict in verdicts if verdict.issues]
    for one in kept:
        one.issues = [*known.get(one.record_id, ()), *one.issues][:MOST_ISSUES]
    await _list(tx, work, kept)
    by_state: dict[str, list[str]] = {"UNDONE": [], "PARTLY_UNDONE": [], "KEPT": []}
    for one in verdicts:
        if one.state == "UNDONE" and one.record_id in known:
            one.state = "PARTLY_UNDONE"
        if one.record_id not in again:
            by_state[one.state].append(one.record_id)
    counts = [len(by_state[name]) for name in ("UNDONE", "PARTLY_UNDONE", "KEPT")]
    await tx.run(COUNT, id=work.import_id, undone=counts[0], partly=counts[1], kept=counts[2])
    for name, ids_of_state in by_state.items():
        if ids_of_state and not work.dry_run:
            await tx.run(MARK_ROWS, id=work.import_id, undo=name, ids=listed(ids_of_state))
    if not work.dry_run:
        explained = [{"id": work.import_id, "record": one.record_id, "issues": _json(one.issues)} for one in kept]
        await tx.run_many(EXPLAIN_ROW, explained)
    tx.move_answers()


async def _list(tx: Transaction, work: Work, kept: Sequence[Verdict]) -> None:
    """Lists what was not undone."""
    if not kept:
        return
    await tx.run(FORGET_KEPT, id=work.import_id, ids=listed([verdict.record_id for verdict in kept]))
    rows = [
        {
            "import_id": work.import_id,
            "record_id": one.record_id,
            "state": one.state,
            "issues": _json(one.issues),
        }
        for one in kept
    ]
    await tx.run_many(adding(ImportKept), rows)


def _json(issues: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(issues).decode()


async def met_before(tx: Transaction, import_id: str, ids: Collection[str], number: int) -> set[str]:
    """The records of these that an earlier change of the import touched too."""
    return {row[0] for row in await tx.rows(MET_BEFORE, id=import_id, ids=listed(ids), number=number)} if ids else set()


async def end(tx: Transaction, work: Work, why: str | None = None) -> None:
    """Ends an undo; the import is UNDONE where nothing was kept."""
    ended = await tx.run(END, id=work.import_id, dry_run=work.dry_run, error_message=why, now=tx.now)
    if not ended:
        raise Stopped
    if not work.dry_run:
        partly = why is not None or await tx.row(FIRST_KEPT, id=work.import_id, most=1) is not None
        await tx.run(TURN, id=work.import_id, status="PARTLY_UNDONE" if partly else "UNDONE")
    tx.move_answers()


_i, _u, _k = columns(Import), columns(ImportUndo), columns(ImportKept)
_r, _c, _e = columns(ImportRow), columns(Change), columns(ChangeRecord)
_workspace: Any = bindparam("workspace")
_id: Any = bindparam("id")
_this = (_u.workspace_id == _workspace, _u.import_id == _id)
_kept = (_k.workspace_id == _workspace, _k.import_id == _id)
_rows = (_r.workspace_id == _workspace, _r.import_id == _id, _r.status.in_([quoted("CREATED"), quoted("UPDATED")]))
_going = (_u.dry_run == bindparam("dry_run"), _u.status != quoted("ENDED"))
_own = (_c.workspace_id == _workspace, _c.import_id == _id, _c.operation != quoted(OPERATION))
STATE = Statement(select(_u.dry_run, _u.status, _u.undone, _u.partly, _u.kept, _u.error_message).where(*_this))
WORK = Statement(
    select(_u.dry_run, _u.status, _u.before_number, _u.done_in_change, _u.created_by).where(
        *_this, _u.status != quoted("ENDED")
    )
)
FORGET = Statement(delete(ImportUndo).where(*_this))
TURN = Statement(update(Import).where(_i.workspace_id == _workspace, _i.id == _id).values(status=bindparam("status")))
NEXT_CHANGE = Statement(select(func.max(_c.number)).where(*_own, _c.number < bindparam("before")))
TOUCHED = Statement(
    select(_e.record_id, _e.action, _e.before, _e.after)
    .where(_e.workspace_id == _workspace, _e.number == bindparam("number"))
    .order_by(_e.record_id)
)
BEGIN = Statement(
    update(ImportUndo)
    .where(*_this, *_going)
    .values(status="RUNNING", started_at=func.coalesce(_u.started_at, bindparam("now")))
)
BEGIN_ANEW = Statement(
    update(ImportUndo)
    .where(*_this, _u.dry_run == bindparam("dry_run", value=True), _u.status != quoted("ENDED"))
    .values(before_number=bindparam("before_number"), done_in_change=0, undone=0, partly=0, kept=0)
)
ADVANCE = Statement(
    update(ImportUndo)
    .where(
        *_this,
        *_going,
        _u.before_number == bindparam("expected_before"),
        _u.done_in_change == bindparam("expected_done"),
    )
    .values(before_number=bindparam("before_number"), done_in_change=bindparam("done_in_change"))
)
COUNT = Statement(
    update(ImportUndo)
    .where(*_this)
    .values(
        undone=_u.undone + bindparam("undone"), partly=_u.partly + bindparam("partly"), kept=_u.kept + bindparam("kept")
    )
)
END = Statement(
    update(ImportUndo)
    .where(*_this, *_going)
    .values(status="ENDED", finished_at=bindparam("now"), error_message=bindparam("error_message"))
)
KEPT = Statement(select(_k.record_id, _k.issues).where(*_kept).order_by(_k.record_id).limit(bindparam("most")))
FIRST_KEPT = Statement(select(_k.record_id).where(*_kept).order_by(_k.record_id).limit(bindparam("most")))
KEPT_OF = Statement(lambda dialect: select(_k.record_id, _k.issues).where(*_kept, _k.record_id.in_(ids_of(dialect))))
FORGET_KEPT = Statement(lambda dialect: delete(ImportKept).where(*_kept, _k.record_id.in_(ids_of(dialect))))
MARK_ROWS = Statement(
    lambda dialect: (
        update(ImportRow)
        .where(*_rows, _r.record_id.in_(ids_of(dialect)))
        .values(undo=bindparam("undo"), undo_issues=quoted("[]"))
    )
)
EXPLAIN_ROW = Statement(
    update(ImportRow).where(*_rows, _r.record_id == bindparam("record")).values(undo_issues=bindparam("issues"))
)
MET_BEFORE = Statement(
    lambda dialect: select(_e.record_id).where(
        _e.workspace_id == _workspace,
        _e.record_id.in_(ids_of(dialect)),
        _e.number < bindparam("number"),
        exists(select(_c.number).where(*_own, _c.number == _e.number)),
    )
)
