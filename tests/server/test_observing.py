"""What operators see: metrics, lines of the log, traces. No secret is among it."""

import asyncio
import http.server
import json
import logging
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.logs import configure
from server.observing import shown
from tests import steps
from tests.conftest import World, opened

TOKEN = "a-token-for-prometheus"


async def test_metrics_are_for_who_has_the_token(migrated: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, metrics_token=TOKEN)
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Bearer {TOKEN}x"}):
            refused = await world.http.get("/metrics", headers=headers)
            assert refused.status_code == 401
            assert "rolodesk_" not in refused.text


async def test_there_are_no_metrics_without_a_token(world: World) -> None:
    assert (await world.http.get("/metrics")).status_code == 404


async def test_metrics_count_requests_and_jobs_that_wait(migrated: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, metrics_token=TOKEN)
        admin = await world.key()
        await admin.ask("{ workspace { slug } }")
        await admin.ask("{ workspace { slug } }")
        await world.client("rd_key_wrong").post("{ workspace { slug } }")
        customer = await steps.customer(admin, "ann@example.com")
        await steps.well(admin, "inviteCustomers", customerIds=[customer])
        world.clock.advance(5_000)
        text = (await world.http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).text
    assert 'rolodesk_request_seconds_count{operation_type="query",status="200"} 2.0' in text
    assert 'rolodesk_request_seconds_count{operation_type="query",status="401"} 1.0' in text
    assert 'rolodesk_request_seconds_count{operation_type="mutation",status="200"} 2.0' in text
    assert 'rolodesk_jobs_due{kind="MAIL"} 1.0' in text
    oldest = next(line for line in text.splitlines() if line.startswith('rolodesk_jobs_oldest_seconds{kind="MAIL"}'))
    assert float(oldest.split()[-1]) >= 5


async def test_a_slow_request_shows_its_document_without_the_texts_in_it(
    migrated: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, slow_milliseconds="0")
        with caplog.at_level(logging.INFO, "rolodesk.requests"):
            await world.client(None).post(
                'mutation Enter { signIn(input: {workspace: "test", email: "ann@example.com", password: "correct horse"})'
                " { errors { code } } }"
            )
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    said = record.getMessage()
    assert "operation_type=mutation operation=Enter status=200" in said
    assert 'password: "…"' in said
    assert "correct horse" not in said
    assert "ann@" not in said


async def test_each_request_is_a_line_where_that_is_asked_for(
    migrated: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(stack, migrated, tmp_path, log_requests="on")
        admin = await world.key()
        with caplog.at_level(logging.INFO, "rolodesk.requests"):
            answer = await admin.post("query Who { workspace { slug } }")
            await admin.post("{ nonsense")
    first, second = (record.getMessage() for record in caplog.records)
    assert f"request_id={answer.headers['x-request-id']} operation_type=query operation=Who status=200" in first
    assert f"workspace={world.workspace_id} viewer=key_" in first
    assert (admin.token or "") not in first
    assert "operation_type=none" in second


def test_texts_of_a_document_are_not_shown() -> None:
    assert shown('{ customer(by: {email: "a@example.com"}) { id } }') == '{ customer(by: { email: "…" }) { id } }'
    assert shown('{ customer(by: {email: """a@example.com"""}) { id } }') == '{ customer(by: { email: "…" }) { id } }'
    assert shown('{ customer(by: "secret') == "(not a document)"


def test_a_line_can_be_an_object(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    level = root.level
    try:
        configure("info", "json")
        logging.getLogger("rolodesk.test").warning("said %d", 1, extra={"request_id": "a-1"})
    finally:
        root.setLevel(level)
    line = json.loads(capfd.readouterr().err)
    assert line.pop("time")
    assert line == {"level": "WARNING", "logger": "rolodesk.test", "message": "said 1", "request_id": "a-1"}


async def test_spans_reach_a_collector(migrated: Path, tmp_path: Path) -> None:
    """Sent over HTTP to a collector, under the caller's trace."""
    received: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    try:
        async with AsyncExitStack() as stack:
            url = f"http://127.0.0.1:{collector.server_port}/v1/traces"
            world = await opened(stack, migrated, tmp_path, traces_url=url)
            admin = await world.key()
            admin.headers["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            await admin.ask("query Who { workspace { slug } }")
            await asyncio.sleep(0)
    finally:
        await asyncio.to_thread(collector.shutdown)
        collector.server_close()
    request = ExportTraceServiceRequest.FromString(b"".join(received))
    (span,) = request.resource_spans[0].scope_spans[0].spans
    attributes = {a.key: a.value.string_value or a.value.int_value for a in span.attributes}
    assert span.name == "query"
    assert span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert attributes["graphql.operation.name"] == "Who"
    assert attributes["http.response.status_code"] == 200
    assert attributes["rolodesk.workspace_id"] == world.workspace_id
    assert span.end_time_unix_nano > span.start_time_unix_nano
