"""Logs, traces and reports of a server that is sent secrets and meets errors."""

import gc
import json
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.types import ASGIApp

from tests.support.accounts import CREATE, PASSWORD, REGISTER
from tests.support.api_tokens import CREATE as CREATE_TOKEN
from tests.support.databases import fresh_database
from tests.support.http_sinks import Sink, sink
from tests.support.processes import started
from tests.support.subscribers import connected, listening
from tests.support.waiting import until
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.observability import redaction, request_record
from todo_gql.settings import Settings

EMAIL = "hidden-mail@example.com"
TITLE = "Hidden title of a todo"
COOKIE = "hidden-cookie"
NAMED_CREATE = CREATE.replace("mutation (", "mutation MakesTodo (")
LIST = (
    'query ListsTodos { todos(filter: { search: "hidden words" }) { nodes { id tags { name } } } }'
)
BY_API_TOKEN = "query ListsByToken { lists { nodes { name } } }"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass(frozen=True)
class Told:
    """Everything that a server told of some operations, one of which failed."""

    user_id: str
    request_id: str
    log: str
    metrics: str
    spans: list[Span]
    sent: list[bytes]
    reports: list[dict[str, Any]]
    secrets: list[str]

    def lines(self, message: str) -> list[dict[str, Any]]:
        """The lines of the log with that message."""
        lines = map(json.loads, self.log.splitlines())
        return [line for line in lines if line["message"] == message]


@pytest.fixture(scope="module")
async def url(server_url: str) -> AsyncIterator[str]:
    """A database that refuses one title, as a bug in a migration might."""
    async with fresh_database(server_url) as url:
        yield url


def events(envelope: bytes) -> Iterator[dict[str, Any]]:
    """The events in what Sentry is sent."""
    _header, *items = envelope.splitlines()
    for kind, item in zip(items[::2], items[1::2], strict=False):
        if json.loads(kind)["type"] == "event":
            yield json.loads(item)


def spans_of(sink: Sink) -> list[Span]:
    """All spans that were sent."""
    return [
        span
        for body in sink.bodies("/v1/traces")
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.fixture(scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory, url: str) -> Told:
    """What is told when an account is made, a todo can't be stored, and todos are listed."""
    folder = tmp_path_factory.mktemp("told")
    with sink() as collector:
        settings = {
            "DATABASE_URL": url,
            "DATA_DIR": str(folder),
            "METRICS_PORT": "0",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
            "PROMETHEUS_ENABLED": "true",
            "SENTRY_DSN": f"http://key@127.0.0.1:{collector.port}/7",
            "SLOW_OPERATION_MS": "1",
        }
        with started(folder / "log", "--migrate", settings=settings) as server:
            server.wait_until_ready()
            connection = await asyncpg.connect(url)
            await connection.execute(
                f"ALTER TABLE todos ADD CONSTRAINT no_such CHECK (title <> '{TITLE}')"
            )
            await connection.close()
            async with httpx.AsyncClient(timeout=30) as http:

                async def execute(
                    query: str, token: str | None = None, **variables: Any
                ) -> httpx.Response:
                    headers = {
                        "Authorization": f"Bearer {token}",
                        "Cookie": COOKIE,
                        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
                    }
                    body = {"query": query, "variables": variables}
                    return await http.post(server.address, json=body, headers=headers)

                given = {"username": "hiddenname", "email": EMAIL, "password": PASSWORD}
                account = (await execute(REGISTER, input=given)).json()["data"]["register"]
                tokens = account["tokens"]
                token = tokens["accessToken"]
                failed = await execute(NAMED_CREATE, token, input={"title": TITLE})
                [error] = failed.json()["errors"]
                assert error["extensions"]["code"] == "INTERNAL"
                # Plans are asked for one operation at a time.
                await until(lambda: server.log.read_text().count('"slow operation"') == 2)
                await execute(LIST, token)
                wanted = {"name": "Hidden", "scopes": ["TODOS_READ"], "currentPassword": PASSWORD}
                made = (await execute(CREATE_TOKEN, token, input=wanted)).json()["data"]
                api_token = made["apiTokenCreate"]["secret"]
                answer = (await execute(BY_API_TOKEN, api_token)).json()
                assert "errors" not in answer
                [line] = [line for line in server.said if line.startswith("  Metrics")]
                metrics = (await http.get(line.split()[1])).text
            server.stop(signal.SIGTERM)
            assert server.process.returncode == 0
        return Told(
            user_id=account["user"]["id"],
            request_id=failed.headers["x-request-id"],
            log=server.log.read_text(),
            metrics=metrics,
            spans=spans_of(collector),
            sent=[body for _, body in collector.received],
            reports=[e for body in collector.bodies("/api/7/envelope/") for e in events(body)],
            secrets=[PASSWORD, EMAIL, TITLE, COOKIE, "hidden", api_token, *tokens.values()],
        )


def test_secrets_are_told_nowhere(told: Told) -> None:
    """What is in variables and headers is in no log line, metric, span or report."""
    for secret in told.secrets:
        assert secret not in told.log
        assert secret not in told.metrics
        assert not [body for body in told.sent if secret.encode() in body]


def test_error_is_reported_with_its_request(told: Told) -> None:
    """The report has the ids of request, operation and user, and names the constraint alone."""
    [report] = told.reports
    assert report["tags"] == {"request_id": told.request_id, "operation": "MakesTodo"}
    assert report["user"] == {"id": told.user_id}
    [*_, error] = report["exception"]["values"]
    assert error["type"] == "CheckViolationError"
    assert error["value"] == "sqlstate=23514 table=todos constraint=no_such"
    assert error["stacktrace"]["frames"]
    assert not [frame for frame in error["stacktrace"]["frames"] if "vars" in frame]


def test_error_is_logged_with_its_request(told: Told) -> None:
    """The log has the stack and the constraint, with the ids of request, operation and user."""
    [line] = told.lines("operation failed")
    assert line["request_id"] == told.request_id
    assert (line["operation"], line["user_id"]) == ("MakesTodo", told.user_id)
    assert "Traceback" in line["exception"]
    assert "sqlstate=23514 table=todos constraint=no_such" in line["exception"]


def test_access_line_has_operation_and_user(told: Told) -> None:
    """A request's line tells which operation it was and whose."""
    [line] = [one for one in told.lines("request") if one.get("operation") == "ListsTodos"]
    assert line["user_id"] == told.user_id


def test_access_line_of_an_api_token_has_its_owner(told: Told) -> None:
    """A request by an API token has a line as any other, with the id of whom it acts for."""
    [line] = [one for one in told.lines("request") if one.get("operation") == "ListsByToken"]
    assert (line["status"], line["user_id"]) == (200, told.user_id)


def test_slow_operation_is_logged_with_plans(told: Told) -> None:
    """Its statements are there with placeholders, and with plans that don't know the values."""
    [line] = [one for one in told.lines("slow operation") if one.get("operation") == "ListsTodos"]
    assert line["duration_ms"] >= 1
    assert line["batches"] == []
    [first, *_] = line["statements"]
    assert "$1" in first["statement"]
    assert "$1" in first["plan"]
    assert line["statement_count"] >= len(line["statements"])


def test_a_write_that_is_one_message_has_a_span(told: Told) -> None:
    """The statement of a create stands in the trace like that of a query."""
    [operation] = [span for span in told.spans if span.name == "mutation MakesTodo"]
    [statement] = [
        one.value.string_value
        for span in told.spans
        if span.parent_span_id == operation.span_id
        for one in span.attributes
        if one.key == "db.statement" and "INSERT INTO todos" in one.value.string_value
    ]
    assert "FOR NO KEY UPDATE" in statement


def test_trace_has_operation_and_statements(told: Told) -> None:
    """The client's trace holds a span for the operation, and within it those of statements."""
    [operation] = [span for span in told.spans if span.name == "query ListsTodos"]
    assert operation.trace_id.hex() == TRACE
    attributes = {one.key: one.value.string_value for one in operation.attributes}
    assert attributes["graphql.operation.name"] == "ListsTodos"
    assert attributes["enduser.id"] == told.user_id
    within = [span for span in told.spans if span.parent_span_id == operation.span_id]
    statements = [
        one.value.string_value
        for span in within
        for one in span.attributes
        if one.key == "db.statement"
    ]
    assert [text for text in statements if "FROM todos" in text and "$1" in text]


def test_failed_operation_is_a_failed_span(told: Told) -> None:
    """The span of an operation that failed says so, without a word of the exception."""
    [operation] = [span for span in told.spans if span.name == "mutation MakesTodo"]
    assert operation.status.code == operation.status.STATUS_CODE_ERROR
    assert {span.status.message for span in told.spans} == {""}
    assert not [span for span in told.spans if span.events]


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("invalid literal for int(): 'my secret'"), "invalid literal for int(): '…'"),
        (KeyError("my secret"), "'…'"),
        (RuntimeError("no secret-variable here"), "no … here"),
        (RuntimeError("plain"), "plain"),
    ],
)
def test_messages_lose_what_was_sent(error: Exception, shown: str) -> None:
    """Quoted text and values of the request's variables are taken out of an exception's message."""
    sent = [{"input": {"tags": ["secret-variable", "x"]}}]
    token = request_record.current.set(request_record.RequestRecord("r-1", sensitive_values=sent))
    assert redaction.message(error) == shown
    request_record.current.reset(token)


def remembered() -> list[object]:
    """What is in memory of what clients sent."""
    gc.collect()
    known = [one for one in gc.get_objects() if isinstance(one, request_record.RequestRecord)]
    return [value for one in known for value in one.sensitive_values]


async def test_what_a_client_sent_is_forgotten_after_its_answer(
    app: ASGIApp, settings: Settings
) -> None:
    """The values that a client sent are freed after its answer, over HTTP and on a WebSocket."""
    query = "query ($secret: String!) { __type(name: $secret) { name } }"
    async with listening(app, settings) as address:
        async with connected(address) as socket:
            assert await socket.execute(query, secret="hidden-1") == {"data": {"__type": None}}
            assert {"secret": "hidden-1"} not in remembered()
        async with httpx.AsyncClient() as http:
            asked = {"query": query, "variables": {"secret": "hidden-2"}}
            answer = await http.post(f"http://{address}/graphql", json=asked)
            assert answer.json()["data"] == {"__type": None}
            assert {"secret": "hidden-2"} not in remembered()


async def test_server_without_collectors_works_and_stops_in_time(tmp_path: Path) -> None:
    """Traces and reports that can't be delivered fail no request and delay no stop for long."""
    postgres = EmbeddedPostgres(tmp_path / "database", durable=False)
    with postgres as url:
        settings = {
            "DATABASE_URL": url,
            "DATA_DIR": str(tmp_path),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "SENTRY_DSN": "http://key@127.0.0.1:1/7",
        }
        with started(tmp_path / "log", "--migrate", settings=settings) as server:
            server.wait_until_ready()
            assert server.execute("{ __typename }") == {"__typename": "Query"}
            assert server.stop(signal.SIGTERM) == "Stopping.\nStopped.\n"
            assert server.process.returncode == 0
