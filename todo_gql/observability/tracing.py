"""OpenTelemetry traces: spans of an operation, its loaders and its statements."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.resources import SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from todo_gql.observability.build_info import build
from todo_gql.observability.request_record import current

SERVICE: Final = "todo_gql"
# A collector that doesn't answer must not delay the server's stop.
EXPORT_SECONDS: Final = 3
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class WithoutMessages(SpanExporter):
    """Exports spans without the messages of exceptions, which may contain a client's values."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export spans."""
        return self.exporter.export([self._without_message(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the exporter down."""
        self.exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export the spans that are still buffered; False if that takes longer."""
        return self.exporter.force_flush(timeout_millis)

    @staticmethod
    def _without_message(span: ReadableSpan) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=span.attributes,
            links=span.links,
            kind=span.kind,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )


class Traced:
    """An app whose requests are spans, in the trace of the client's traceparent (W3C Trace Context)."""

    def __init__(self, app: ASGIApp, provider: TracerProvider) -> None:
        self.app = app
        self.tracer = provider.get_tracer(SERVICE, build().version)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request within a span."""
        carrier = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in _trace_headers(scope)
        }
        context = _PROPAGATOR.extract(carrier)
        with self.tracer.start_as_current_span("GraphQL", context, SpanKind.SERVER) as span:
            record = current.get()
            if record is None:
                await self.app(scope, receive, send)
                return
            record.span = self._span
            try:
                await self.app(scope, receive, send)
            finally:
                if record.operation is not None:
                    span.update_name(f"{record.type} {record.operation}".strip())
                if record.error_codes:
                    span.set_status(StatusCode.ERROR)
                span.set_attributes(
                    {
                        "graphql.operation.name": record.operation or "",
                        "graphql.operation.type": record.type,
                        "todo_gql.request_id": record.request_id,
                        "todo_gql.error_codes": list(record.error_codes),
                        "enduser.id": str(record.user_id or ""),
                    }
                )

    def _span(
        self, name: str, attributes: Mapping[str, str | int]
    ) -> AbstractContextManager[trace.Span]:
        return self.tracer.start_as_current_span(name, attributes=attributes)


def _trace_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers of W3C Trace Context, which name the trace of a request."""
    return [pair for pair in scope["headers"] if pair[0] in {b"traceparent", b"tracestate"}]


@contextmanager
def tracing(endpoint: str) -> Iterator[TracerProvider]:
    """Export spans to an OTLP endpoint (over HTTP) within the block.

    Further standard OTEL_ variables, such as headers and sampling, are read by OpenTelemetry.
    """
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    provider = TracerProvider(
        resource=Resource.create({"service.name": SERVICE, SERVICE_VERSION: build().version})
    )
    provider.add_span_processor(BatchSpanProcessor(WithoutMessages(exporter)))
    statements = AsyncPGInstrumentor()
    statements.instrument(tracer_provider=provider)
    try:
        yield provider
    finally:
        statements.uninstrument()
        provider.shutdown()
