"""Pages of strange origins: what they are refused, and what a log says of that."""

import asyncio
import io
import json
import logging
from time import monotonic
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.subscribers import listening, opened
from tests.support.waiting import until
from todo_gql.app import create_app
from todo_gql.http.graphql import origins
from todo_gql.http.middleware.stack import with_middleware
from todo_gql.settings import Settings

STRANGE = "https://strange.example"
ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


def lines_of(log: io.StringIO) -> list[dict[str, Any]]:
    """The lines of an access log."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


def with_log(app: ASGIApp, settings: Settings) -> tuple[ASGIApp, io.StringIO]:
    """An application with an access log that can be read."""
    log = io.StringIO()
    return with_middleware(
        app, cors_origins=settings.backend_cors_origins, log_level="INFO", log_stream=log
    ), log


@pytest.fixture
def inner(settings: Settings, database_url: str) -> ASGIApp:
    """The application within what wraps every request."""
    app: Any = create_app(settings, database_url)
    return app.app  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        (STRANGE, STRANGE),
        ("null", "null"),
        ("x" * 3000, "x" * 200 + "…"),
        # The parser takes no control characters; these would be some in another encoding.
        ("https://a.example/\u00e9\u0085", "https://a.example/\\xe9\\x85"),
    ],
)
async def test_a_refused_websocket_is_a_line_of_the_access_log(
    inner: ASGIApp,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    origin: str,
    shown: str,
) -> None:
    """A refused WebSocket is a line of the access log with its origin, shortened, and no error."""
    app, log = with_log(inner, settings)
    async with listening(app, settings) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET /graphql HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"sec-websocket-protocol: graphql-transport-ws\r\norigin: "
            + origin.encode("latin-1")
            + b"\r\n\r\n"
        )
        answer = (await reader.read()).decode("latin-1")
        writer.close()
    assert answer.startswith("HTTP/1.1 403 ")
    [line] = lines_of(log)
    assert (line["status"], line["origin"], line["path"]) == (403, shown, "/graphql")
    assert (line["method"], line["client"]) == ("GET", "127.0.0.1")
    assert f"x-request-id: {line['request_id']}" in answer.lower()
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_welcome_websocket_has_no_such_line(inner: ASGIApp, settings: Settings) -> None:
    """Its operations are told instead."""
    app, log = with_log(inner, settings)
    async with listening(app, settings) as address, opened(address, origin=f"http://{address}"):
        pass
    assert lines_of(log) == []


async def test_a_client_that_leaves_its_handshake_is_no_error(
    inner: ASGIApp, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that leaves during its handshake is no error, accepted or refused."""
    entered = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        entered.append(scope)
        await asyncio.sleep(0.05)
        await inner(scope, receive, send)
        entered.pop()

    async with listening(with_middleware(slow), settings) as address:
        for origin in (STRANGE, f"http://{address}"):
            opening = asyncio.create_task(opened(address, origin=origin).__aenter__())
            await until(lambda: bool(entered))
            opening.cancel()
            await until(lambda: not entered)
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_refused_event_stream_names_its_origin(inner: ASGIApp, settings: Settings) -> None:
    """A refused event stream has its origin in its line of the access log."""
    app, log = with_log(inner, settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as site:
        answer = await site.post(
            "/graphql",
            json={"query": "subscription { changes { __typename } }"},
            headers={"accept": "text/event-stream", "origin": STRANGE},
        )
    assert answer.status_code == 403
    assert lines_of(log)[-1]["origin"] == STRANGE


@pytest.mark.parametrize("known", [[], ["https://app.example/"]], ids=["none", "another"])
async def test_a_refused_preflight_says_what_to_set(
    inner: ASGIApp,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    known: list[str],
) -> None:
    """A refused preflight says what to set once an hour for each unknown origin."""
    app, _ = with_log(inner, settings.model_copy(update={"backend_cors_origins": known}))
    transport = httpx.ASGITransport(app)

    def told() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.name == origins.__name__]

    async with httpx.AsyncClient(transport=transport, base_url="http://here") as site:
        for _ in range(3):
            await site.options("/graphql", headers={"origin": STRANGE, **ASKS})
            # Neither of these is a question of a browser.
            await site.options("/graphql", headers={"origin": "https://other.example"})
            await site.options("/graphql", headers=ASKS)
            for origin in known:
                headers = {"origin": origin.rstrip("/"), **ASKS}
                assert (await site.options("/graphql", headers=headers)).is_success
        [line] = told()
        assert line == (
            f"pages of {STRANGE} can't use this server: BACKEND_CORS_ORIGINS doesn't name that"
            " origin"
        )
        moment = monotonic() + origins.LOG_AGAIN_SECONDS + 1
        monkeypatch.setattr(origins, "monotonic", lambda: moment)
        await site.options("/graphql", headers={"origin": STRANGE, **ASKS})
        assert len(told()) == 2


async def test_nobody_floods_the_log_with_origins(
    inner: ASGIApp, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """There are 20 lines an hour, each of them one line and short, and the last one says so."""
    app, _ = with_log(inner, settings)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://here"
    ) as site:
        for number in range(40):
            origin = f"https://{number}.example\x0b\x1b[2J" + "x" * 5000
            await site.options("/graphql", headers={"origin": origin, **ASKS})
    told = [one.getMessage() for one in caplog.records if one.name == origins.__name__]
    assert len(told) == origins.MAX_LOGGED_ORIGINS
    assert told[-1].endswith("; no more are told of for an hour")
    assert max(map(len, told)) < 400
    assert all(line.isprintable() for line in told)
