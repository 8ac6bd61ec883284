"""A span for each operation, sent to an OpenTelemetry collector; needs the optional extra `otel`.

Names and attributes follow OpenTelemetry's semantic conventions for GraphQL servers.
"""

from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.observing import Observation


class Tracing:
    """Tells a collector of each operation."""

    def __init__(self, url: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": "rolodesk"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        self._tracer = self._provider.get_tracer("rolodesk")

    def answered(self, observation: Observation) -> None:
        caller = observation.headers.get(b"traceparent", b"").decode("latin-1")
        attributes: dict[str, Any] = {
            "graphql.operation.type": observation.kind,
            "http.response.status_code": observation.status,
            "rolodesk.request_id": observation.request_id,
        }
        if observation.operation:
            attributes["graphql.operation.name"] = observation.operation
        if observation.viewer is not None:
            attributes["rolodesk.workspace_id"] = observation.viewer.workspace_id
        span = self._tracer.start_span(
            observation.kind,
            context=TraceContextTextMapPropagator().extract({"traceparent": caller}) if caller else None,
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=observation.received,
        )
        if observation.status >= 500:  # noqa: PLR2004
            span.set_status(Status(StatusCode.ERROR))
        span.end(observation.received + int(observation.milliseconds * 1_000_000))

    def subscribed(self, more: int) -> None:
        """A subscription has no end that is worth a span."""

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()
