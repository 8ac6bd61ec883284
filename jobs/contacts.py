"""Fetches address books: page by page, each of them one transaction with the position of the next.

A worker that is killed is followed by one that goes on with the next page. A provider that wants a pause gets it, one
that lost the position or the sync token is asked for everything anew, and one that lost the consent is not asked again.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from contacts import oauth
from contacts.book import Asked, Page
from contacts.credentials import Credentials
from contacts.failures import Failure, Refused, Revoked, StartOver, Throttled, Unauthorized, Unreachable
from contacts.outgoing import Outgoing
from contacts.providers import Provider
from contacts.sealing import Broken
from db import contact_sources, job_queue
from db import contacts as stored
from db.clock import HOUR, MINUTE, SECOND
from db.contact_sources import Stopped, Work
from db.job_queue import Claimed
from db.transaction import Intent, Transaction
from jobs.worker import Worker

log = logging.getLogger("rolodesk.contacts")

MOST_FAILURES: Final = 12
"""Attempts in a row without an answer after which a source has FAILED; over about six hours."""

FIRST_RETRY, LAST_RETRY, LONGEST_PAUSE = 5 * SECOND, HOUR, 24 * HOUR
MOST_STARTS = 2
"""How often one go begins anew; a provider that forgets faster than it answers is tried again later."""

LONGEST_LIST = 2_000
"""How many listed contacts one transaction notes; about 30 ms of the writer."""

EARLY = MINUTE
"""How long before its end an access token is replaced."""


async def carry_out(worker: Worker, job: Claimed) -> None:
    """Fetches a source to its end, or as far as its provider lets it."""
    work = await contact_sources.work_of(worker.database, job.workspace_id, job.subject_id)
    if work is not None:
        try:
            await Fetch(worker, job, work).whole()
        except Stopped:
            await _finish(worker, job)
        return
    await _finish(worker, job)


async def _finish(worker: Worker, job: Claimed) -> None:
    async def work(tx: Transaction) -> None:
        if await job_queue.extend(tx, job.id, worker.name):
            await job_queue.finish(tx, job.id)

    await worker.database.write(work, Intent(job.workspace_id, "job"))


class Fetch:
    """One worker's go at a source."""

    def __init__(self, worker: Worker, job: Claimed, work: Work) -> None:
        self.worker = worker
        self.job = job
        self.work = work
        self._place = contact_sources.place(job.workspace_id, work.id)

    async def whole(self) -> None:
        """From the next page to the last."""
        try:
            provider = self.worker.books.providers.get(self.work.provider)
            if provider is None or not provider.configured:
                raise Refused("This server's settings no longer name the provider.")
            credentials = await self._credentials()
            async with self.worker.books.reading(provider, self.work.server) as outgoing:
                await self._pages(provider, credentials, outgoing)
        except Broken:
            await self._told("REVOKED", "The server's secret was replaced.")
        except (Revoked, Unauthorized) as failure:
            await self._told("REVOKED", failure.message)
        except Unreachable as failure:
            await self._wait(failure)
        except StartOver as failure:
            await self._wait(Unreachable(failure.message))
        except Failure as failure:
            await self._told("FAILED", failure.message)

    async def _pages(self, provider: Provider, credentials: Credentials, outgoing: Outgoing) -> None:
        starts, fresh = 0, False
        while True:
            try:
                credentials = await self._current(provider, credentials, anew=fresh)
                wanted = await self._wanted(provider)
                page = await self._page(provider, outgoing, self._asked(credentials, wanted))
            except Unauthorized:
                if fresh or credentials.refresh is None:
                    raise
                fresh = True
                continue
            except StartOver:
                starts += 1
                if starts > MOST_STARTS:
                    raise
                self.work = await self._write(lambda tx: contact_sources.start_over(tx, self.work))
                continue
            fresh = False
            page = await self._noted(page)
            if page.position is None:
                await self._last(page)
                return
            self.work = await self._write(lambda tx, page=page: self._keep(tx, page))  # type: ignore[misc]

    async def _page(self, provider: Provider, outgoing: Outgoing, asked: Asked) -> Page:
        """The next page. What is not formed as the provider says counts as no answer."""
        try:
            return await provider.book.page(outgoing, asked)
        except (AttributeError, KeyError, TypeError, ValueError):
            log.exception("source %s: the answer of %s cannot be read", self.work.id, provider.name)
            raise Unreachable("The provider answers what cannot be read.") from None

    def _asked(self, credentials: Credentials, wanted: list[str]) -> Asked:
        work = self.work
        return Asked(credentials.authorization, work.server, work.sync_token, work.position, wanted)

    async def _wanted(self, provider: Provider) -> list[str]:
        if not provider.book.batch:
            return []
        wanted: list[str] = await self._write(lambda tx: stored.pending(tx, self.work.id, provider.book.batch))
        return wanted

    # Writing

    async def _noted(self, page: Page) -> Page:
        """Notes most of a long list beforehand, so that no transaction is long; noted twice, it is as if noted once."""
        listed = page.listed
        while len(listed) > LONGEST_LIST:
            part, listed = listed[:LONGEST_LIST], listed[LONGEST_LIST:]
            await self._write(lambda tx, part=part: stored.note(tx, self.work.shelf, part))  # type: ignore[misc]
        return replace(page, listed=listed)

    async def _keep(self, tx: Transaction, page: Page) -> Work:
        """Keeps what a page brought, and where the next one begins."""
        work = await contact_sources.go_on(tx, self.work, str(page.position))
        await self._contents(tx, page)
        return work

    async def _last(self, page: Page) -> None:
        """Keeps the last page; what a fetch of the whole book did not find is gone."""
        work = self.work
        if work.whole:
            await self._write(lambda tx: self._contents(tx, page))
            while await self._write(lambda tx: stored.sweep(tx, work.shelf)):
                pass

        async def ended(tx: Transaction) -> None:
            if not work.whole:
                await self._contents(tx, page)
            await contact_sources.end(tx, work, page.sync_token)
            await job_queue.finish(tx, self.job.id)

        await self._write(ended)

    async def _contents(self, tx: Transaction, page: Page) -> None:
        await stored.keep(tx, self.work.shelf, page.contacts)
        await stored.note(tx, self.work.shelf, page.listed)
        await stored.remove(tx, self.work.id, page.removed)
        tx.move_answers()

    async def _write(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """Runs a piece of work while this worker has the job."""

        async def held(tx: Transaction) -> Any:
            if not await job_queue.extend(tx, self.job.id, self.worker.name):
                raise Stopped
            return await work(tx)

        intent = Intent(self.job.workspace_id, "syncContactSource", self.work.user_id)
        return await self.worker.database.write(held, intent)

    # What lets the server in

    async def _credentials(self) -> Credentials:
        """What was sealed; sealed again where a newer secret came."""
        seal = self.worker.books.seal
        credentials = Credentials.of(seal.open(self.work.credentials, self._place))
        if not seal.is_newest(self.work.credentials):
            await self._renew(credentials)
        return credentials

    async def _renew(self, credentials: Credentials) -> None:
        sealed = self.worker.books.seal.close(credentials.kept(), self._place)
        self.work = await self._write(lambda tx: contact_sources.renew(tx, self.work, sealed))

    async def _current(self, provider: Provider, credentials: Credentials, *, anew: bool) -> Credentials:
        """Credentials that hold for another minute, refreshed where need be."""
        now = self.worker.clock()
        if credentials.refresh is None or provider.client is None:
            return credentials
        if not anew and credentials.expires_at is not None and now < credentials.expires_at - EARLY:
            return credentials
        async with self.worker.books.signing_in(provider.client) as outgoing:
            tokens = await oauth.refresh(outgoing, provider.client, credentials.refresh, now)
        fresh = credentials.refreshed(tokens)
        await self._renew(fresh)
        return fresh

    # What comes between

    async def _told(self, status: str, message: str) -> None:
        """Says what only people can mend, and leaves it at that."""
        log.warning("source %s is %s: %s", self.work.id, status, message)

        async def work(tx: Transaction) -> None:
            await contact_sources.tell(tx, self.work, status, message)
            await job_queue.finish(tx, self.job.id)

        await self._write(work)

    async def _wait(self, failure: Unreachable) -> None:
        """Comes again later: when the provider says, or after a pause that doubles."""
        failures = self.work.failures + (not isinstance(failure, Throttled))
        if failures >= MOST_FAILURES:
            await self._told("FAILED", failure.message)
            return
        pause = min(FIRST_RETRY << min(max(failures, 1) - 1, 20), LAST_RETRY)
        wish = failure.retry_after_seconds
        pause = max(pause, min(wish * SECOND, LONGEST_PAUSE)) if wish is not None else pause
        log.info("source %s waits %d s: %s", self.work.id, pause // SECOND, failure.message)

        async def work(tx: Transaction) -> None:
            at = tx.now + pause
            await contact_sources.tell(tx, self.work, "WAITING", failure.message, retry_at=at, failures=failures)
            await job_queue.postpone(tx, self.job.id, at, failure.message)

        await self._write(work)
