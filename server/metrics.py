"""Figures of this server for Prometheus, at `/metrics`: requests and subscriptions of all its processes, and jobs that wait."""

import hmac
import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from db.clock import Clock
from db.database import Database
from db.job_queue import backlog
from server.observing import SHARED, Observation

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "rolodesk_request_seconds",
            "GraphQL requests over HTTP by operation type and status, from the whole request to its answer.",
            ["operation_type", "status"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._subscriptions = Gauge(
            "rolodesk_subscriptions", "Subscriptions open now.", registry=self.registry, multiprocess_mode="livesum"
        )

    def answered(self, observation: Observation) -> None:
        self._seconds.labels(observation.kind, observation.status).observe(observation.milliseconds / 1_000)

    def subscribed(self, more: int) -> None:
        self._subscriptions.inc(more)

    def route(self, token: str, clock: Clock) -> Route:
        """The route that shows them."""
        return Route("/metrics", Exposition(self, token, clock).answer)

    def exposed(self) -> CollectorRegistry:
        """The figures of all processes that share them, or of this one."""
        if SHARED not in os.environ:
            return self.registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry


class Exposition:
    """The figures as text: for who has the token alone, since figures tell about customers too."""

    def __init__(self, metrics: Metrics, token: str, clock: Clock) -> None:
        self._metrics = metrics
        self._expected = b"Bearer " + token.encode()
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, self._expected):
            return PlainTextResponse(
                "Send the token of ROLODESK_METRICS_TOKEN as Authorization: Bearer …\n",
                401,
                {"www-authenticate": "Bearer"},
            )
        text = generate_latest(self._metrics.exposed()) + await self._jobs(request.app.state.process.database)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _jobs(self, database: Database) -> bytes:
        """The jobs that wait, read anew each time: workers keep nothing but rows."""
        registry = CollectorRegistry()
        due = Gauge(
            "rolodesk_jobs_due", "Jobs whose time has come and that no worker has.", ["kind"], registry=registry
        )
        oldest = Gauge(
            "rolodesk_jobs_oldest_seconds", "How long the first of them has been due.", ["kind"], registry=registry
        )
        now = self._clock()
        for row in await backlog(database, now):
            due.labels(row.kind).set(row.due)
            oldest.labels(row.kind).set((now - row.oldest_due_at) / 1_000)
        return generate_latest(registry)
