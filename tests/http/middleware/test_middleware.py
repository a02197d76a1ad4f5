"""What surrounds GraphQL over HTTP: request ids, logs, CORS, compression, health, the index."""

import asyncio
import io
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from todo_gql.http.middleware.compression import compressing
from todo_gql.http.middleware.stack import on_exception, with_middleware
from todo_gql.http.pages import health
from todo_gql.http.pages.index import index_route
from todo_gql.observability import logs, request_record
from todo_gql.observability.build_info import build

BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
ORIGIN = "https://app.example.com"
SECRET = "postgresql://user:secret@host/db"


async def answer(request: Request) -> Response:
    """Answer with as many bytes as asked for."""
    return JSONResponse("x" * int(request.query_params.get("size", "2")))


async def events(_request: Request) -> Response:
    """Answer with a stream of events."""
    return StreamingResponse(iter(["data: x\n\n" * 1000]), media_type="text/event-stream")


async def fail(_request: Request) -> Response:
    """Fail with a message that no client may see."""
    raise RuntimeError(SECRET)


ROUTES = [
    Route("/graphql", answer, methods=["GET", "POST"]),
    Route("/events", events),
    Route("/fail", fail),
]


def client(app: ASGIApp) -> httpx.AsyncClient:
    """A client that asks an app within this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def wrapped(stream: io.StringIO, compression: int | None = None, **options: Any) -> ASGIApp:
    """The small app of this module in its middleware, which logs to a stream."""
    app = Starlette(routes=ROUTES, exception_handlers={Exception: on_exception})
    return with_middleware(compressing(app, compression), log_stream=stream, **options)


@pytest.fixture
def log() -> io.StringIO:
    """Where a test's access log goes."""
    return io.StringIO()


@pytest.fixture
async def site(log: io.StringIO) -> AsyncIterator[httpx.AsyncClient]:
    """The small app with every part of the middleware switched on."""
    async with client(wrapped(log, compression=6, cors_origins=[ORIGIN])) as opened:
        yield opened


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Put the process's logging back as it was."""
    names = ("", "todo_gql", "uvicorn", "uvicorn.access")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    yield
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate, logger.handlers = propagate, handlers


# ---------------------------------------------------------------- request ids and times


async def test_request_gets_id_and_time(site: httpx.AsyncClient) -> None:
    """Every answer carries a new UUID as its id and the milliseconds it took."""
    response = await site.get("/graphql")
    assert re.fullmatch(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", response.headers["x-request-id"]
    )
    assert re.fullmatch(r"\d+\.\d\dms", response.headers["x-response-time"])


async def test_client_may_bring_request_id(site: httpx.AsyncClient) -> None:
    """A well-formed X-Request-ID of the client is kept."""
    response = await site.get("/graphql", headers={"X-Request-ID": "trace-1_a.B"})
    assert response.headers["x-request-id"] == "trace-1_a.B"


@pytest.mark.parametrize("given", ["", "a b", "a\tb", "<script>", "é", "x" * 129])
async def test_odd_request_id_is_replaced(site: httpx.AsyncClient, given: str) -> None:
    """An X-Request-ID with other characters, or too long, is replaced by the server's own."""
    response = await site.get("/graphql", headers=[(b"X-Request-ID", given.encode())])
    assert len(response.headers["x-request-id"]) == 36


async def test_other_scopes_pass_untouched(log: io.StringIO) -> None:
    """Lifespan and WebSocket scopes reach the app as the server made them."""
    seen: list[tuple[Scope, Receive, Send]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    async def receive() -> Any: ...

    async def send(_message: Any) -> None: ...

    wrapped_app = with_middleware(app, cors_origins=[ORIGIN], log_stream=log)
    scopes: list[Scope] = [{"type": "lifespan"}, {"type": "websocket", "headers": []}]
    for scope in scopes:
        await wrapped_app(scope, receive, send)
    assert seen == [(scope, receive, send) for scope in scopes]
    assert log.getvalue() == ""


# ---------------------------------------------------------------- exceptions


@pytest.mark.parametrize("origin", [None, ORIGIN])
async def test_exception_is_answered_without_detail(
    site: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, origin: str | None
) -> None:
    """An exception is answered with its request's id only, and logged with its traceback."""
    headers = {"X-Request-ID": "r-1"} | ({"Origin": origin} if origin else {})
    response = await site.get("/fail", headers=headers)
    assert response.status_code == 500
    error = response.json()["errors"][0]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": "r-1"}
    assert SECRET not in response.text
    assert response.headers.get("access-control-allow-origin") == origin
    assert "RuntimeError" in caplog.text
    assert "Traceback" in caplog.text


async def test_exception_of_plain_asgi_app_is_answered_alike(log: io.StringIO) -> None:
    """An app without Starlette's own handlers gets the same answer, readable across origins."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError(SECRET)

    async with client(with_middleware(app, cors_origins=[ORIGIN], log_stream=log)) as site:
        response = await site.get("/", headers={"Origin": ORIGIN})
    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert json.loads(log.getvalue())["status"] == 500


async def test_client_that_goes_away_is_no_error(
    log: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that hangs up before its request is complete is logged without a status."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ClientDisconnect

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None: ...

    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": []}
    await with_middleware(app, log_stream=log)(scope, receive, send)
    assert json.loads(log.getvalue())["status"] is None
    assert "Traceback" not in caplog.text


# ---------------------------------------------------------------- CORS


async def test_preflight_is_answered_for_known_origin(site: httpx.AsyncClient) -> None:
    """A preflight of an allowed origin is answered with an id and may send any header."""
    response = await site.options(
        "/graphql",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, x-apollo-operation-name",
        },
    )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in response.headers["access-control-allow-headers"]
    assert "x-request-id" in response.headers


async def test_answer_exposes_headers_to_known_origin(site: httpx.AsyncClient) -> None:
    """A front end of an allowed origin may read the answer and the headers made for it."""
    response = await site.post("/graphql", headers={"Origin": ORIGIN})
    assert response.headers["access-control-allow-origin"] == ORIGIN
    exposed = response.headers["access-control-expose-headers"]
    assert exposed == (
        "X-Request-ID, X-Response-Time, Retry-After, WWW-Authenticate, RateLimit, RateLimit-Policy,"
        " Content-Range"
    )


async def test_unknown_origin_is_not_allowed(site: httpx.AsyncClient) -> None:
    """Another origin gets no permission to read the answer."""
    response = await site.post("/graphql", headers={"Origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in response.headers


async def test_answer_without_origin_varies_by_it(site: httpx.AsyncClient) -> None:
    """A cache may not give an answer made without an Origin to a request that has one."""
    response = await site.get("/graphql")
    assert response.headers["vary"] == "Origin"


async def test_all_origins_exclude_credentials(log: io.StringIO) -> None:
    """No origin may send credentials where all origins are allowed."""
    async with client(wrapped(log, cors_origins=["*"])) as site:
        response = await site.get("/graphql", headers={"Origin": ORIGIN})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


# ---------------------------------------------------------------- compression


@pytest.mark.parametrize(
    ("path", "encoding"),
    [("/graphql?size=5000", "gzip"), ("/graphql?size=900", None), ("/events", None)],
)
async def test_only_large_answers_are_compressed(
    site: httpx.AsyncClient, path: str, encoding: str | None
) -> None:
    """Answers from 1 KiB on are compressed, but no stream of events."""
    response = await site.get(path, headers={"Accept-Encoding": "gzip"})
    assert response.headers.get("content-encoding") == encoding


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("br, gzip;q=0.5", "gzip"),
        ("deflate", None),
        ("gzip;q=0, identity", None),
        ("gzip; q=0.000", None),
        ("", None),
    ],
)
async def test_only_who_accepts_gzip_has_it(
    site: httpx.AsyncClient, accepted: str, encoding: str | None
) -> None:
    """A quality of 0 says that it isn't accepted."""
    response = await site.get("/graphql?size=5000", headers={"Accept-Encoding": accepted})
    assert response.headers.get("content-encoding") == encoding


async def test_compression_can_be_switched_off(log: io.StringIO) -> None:
    """Nothing is compressed where no compression level is set."""
    async with client(wrapped(log)) as site:
        response = await site.get("/graphql?size=5000", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in response.headers


# ---------------------------------------------------------------- logs


async def test_access_line_tells_facts_and_no_secrets(
    site: httpx.AsyncClient, log: io.StringIO
) -> None:
    """One JSON line a request tells what was answered, without query string or headers."""
    await site.post(
        "/graphql?size=3&token=secret", headers={"X-Request-ID": "r-1", "Authorization": "secret"}
    )
    line = json.loads(log.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line.pop("duration_ms") >= 0
    assert line == {
        "level": "INFO",
        "logger": "todo_gql.access",
        "message": "request",
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "request_id": "r-1",
        "client": "127.0.0.1",
    }


async def test_lines_are_written_together_and_none_is_lost(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Those of one turn of the event loop at its end, the last ones before the server has ended."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any: ...

    async def send(_message: Any) -> None: ...

    def told() -> list[str]:
        return [json.loads(line)["path"] for line in capfd.readouterr().err.splitlines()]

    async def ask(*paths: str) -> None:
        for path in paths:
            await site(
                {"type": "http", "method": "GET", "path": path, "headers": []}, receive, send
            )

    site = with_middleware(app)
    await ask("/1", "/2")
    assert told() == []
    await asyncio.sleep(0)
    assert told() == ["/1", "/2"]
    await ask("/3", "/4")
    await site({"type": "lifespan"}, receive, send)
    assert told() == ["/3", "/4"]


async def test_health_checks_are_logged_for_debugging_only(log: io.StringIO) -> None:
    """Probes are no news unless the log is at DEBUG."""
    app = Starlette(routes=health.health_routes(version))
    for level, lines in (("INFO", 0), ("DEBUG", 1)):
        async with client(with_middleware(app, log_level=level, log_stream=log)) as site:
            await site.get("/health/live")
        assert len(log.getvalue().splitlines()) == lines


@pytest.mark.parametrize("folder", ["calendars", "files"])
async def test_paths_that_end_with_a_secret_are_logged_without_it(
    log: io.StringIO, folder: str
) -> None:
    """The access log says which kind of address was read, and nothing of the token in it."""
    async with client(wrapped(log)) as site:
        await site.get(f"/{folder}/{SECRET.replace(' ', '-')}.ics")
    assert json.loads(log.getvalue())["path"] == f"/{folder}/…"


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        """Say that this is a terminal."""
        return True


async def test_terminal_gets_plain_lines() -> None:
    """The access log on a terminal is readable, and a path can't send control characters."""
    terminal = Terminal()
    async with client(wrapped(terminal)) as site:
        await site.get("/graphql%1b[2J")
    assert "INFO    method=GET path=/graphql\\x1b[2J status=404" in terminal.getvalue()


@pytest.mark.usefixtures("restored_logging")
async def test_log_record_is_one_json_line(log: io.StringIO) -> None:
    """A record carries its extras, the current request's id, and an exception in a field."""
    logs.configure_logging("info", log)

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        logging.getLogger("todo_gql.features.todos").info("moved %s", 3, extra={"owner": "ada"})
        raise RuntimeError(SECRET)

    async with client(with_middleware(app, log_stream=io.StringIO())) as site:
        await site.get("/", headers={"X-Request-ID": "r-1"})
    moved, escaped = map(json.loads, log.getvalue().splitlines())
    del moved["time"]
    assert moved == {
        "level": "INFO",
        "logger": "todo_gql.features.todos",
        "message": "moved 3",
        "owner": "ada",
        "request_id": "r-1",
    }
    assert escaped["level"] == "ERROR"
    assert escaped["exception"].endswith(f"RuntimeError: {SECRET}")


@pytest.mark.usefixtures("restored_logging")
def test_libraries_are_heard_from_warning_on(log: io.StringIO) -> None:
    """Logs of libraries begin at warnings whatever our level is, and uvicorn's errors pass."""
    logs.configure_logging("DEBUG", log)
    logging.getLogger("tortoise.db_client").debug("INSERT … %s", SECRET)
    logging.getLogger("uvicorn.access").info("GET /")
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("uvicorn.error").error("Broken", extra={"color_message": "\x1b[1mBroken"})
    logging.getLogger("todo_gql").debug("here")
    messages = [json.loads(line)["message"] for line in log.getvalue().splitlines()]
    assert messages == ["Broken", "here"]
    assert "color_message" not in log.getvalue()


@pytest.mark.usefixtures("restored_logging")
def test_terminal_gets_plain_records() -> None:
    """A record on a terminal is a readable line with its extras at the end."""
    terminal = Terminal()
    logs.configure_logging("INFO", terminal)
    logging.getLogger("todo_gql").info("started")
    token = request_record.current.set(request_record.RequestRecord("r-1"))
    logging.getLogger("todo_gql").info("moved\x1b[2J", extra={"owner": "ada"})
    request_record.current.reset(token)
    started, moved = terminal.getvalue().splitlines()
    assert started.endswith("INFO    todo_gql: started")
    assert moved.endswith("INFO    todo_gql: moved\\x1b[2J owner=ada request_id=r-1")


@pytest.mark.usefixtures("restored_logging")
def test_logs_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Logs go to standard error where no stream is set."""
    logs.configure_logging("INFO")
    logging.getLogger("todo_gql").info("here")
    assert json.loads(capsys.readouterr().err)["message"] == "here"


# ---------------------------------------------------------------- health


async def version() -> str:
    """A database that works."""
    return "18.3"


async def unreachable() -> str:
    """A database that is away."""
    raise OSError(SECRET)


async def frozen() -> str:
    """A database that never answers."""
    return await asyncio.Future()


def healthy(check: Callable[[], Awaitable[str]]) -> httpx.AsyncClient:
    """A client of the health routes over a database."""
    return client(Starlette(routes=[index_route(), *health.health_routes(check)]))


@pytest.mark.parametrize("check", [version, unreachable, frozen])
async def test_live_whatever_the_database(check: Callable[[], Awaitable[str]]) -> None:
    """The process lives for as long as it answers."""
    async with healthy(check) as site:
        response = await site.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["cache-control"] == "no-store"


async def test_ready_with_database() -> None:
    """The server is ready when the database can be used."""
    async with healthy(version) as site:
        response = await site.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "database": "ok"})


@pytest.mark.parametrize("check", [unreachable, frozen])
async def test_not_ready_without_database(
    check: Callable[[], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose database is missing or slow isn't ready, and says no more than that."""
    monkeypatch.setattr(health, "DATABASE_SECONDS", 0.01)
    async with healthy(check) as site:
        response = await site.get("/health/ready")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "database": "unreachable"}
    assert response.headers["cache-control"] == "no-store"


async def test_probes_share_one_check() -> None:
    """Many probes at once ask the database once."""
    checks = 0
    arrived = asyncio.Semaphore(0)
    all_arrived = asyncio.Event()

    async def check() -> str:
        nonlocal checks
        checks += 1
        await all_arrived.wait()
        return "18.3"

    routes = Starlette(routes=health.health_routes(check))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.release()
        await routes(scope, receive, send)

    async with client(app) as site, asyncio.TaskGroup() as group:
        probes = [group.create_task(site.get("/health/ready")) for _ in range(5)]
        for _ in probes:
            await arrived.acquire()
        all_arrived.set()
    assert [probe.result().status_code for probe in probes] == [200] * 5
    assert checks == 1


@pytest.mark.parametrize(("check", "status"), [(version, 200), (unreachable, 503)])
async def test_health_for_programs(check: Callable[[], Awaitable[str]], status: int) -> None:
    """`/health` gives status, version, revision, database and uptime as JSON."""
    async with healthy(check) as site:
        response = await site.get("/health")
    assert response.status_code == status
    facts = response.json()
    assert facts.pop("uptimeSeconds") >= 0
    assert facts == {
        "status": "ok" if status == 200 else "unavailable",
        "version": build().version,
        "revision": build().revision,
        "database": "18.3" if status == 200 else "unreachable",
    }


@pytest.mark.parametrize(("check", "told"), [(version, "18.3"), (unreachable, "unreachable")])
async def test_health_for_people(check: Callable[[], Awaitable[str]], told: str) -> None:
    """A browser gets `/health` as a page."""
    async with healthy(check) as site:
        response = await site.get("/health", headers={"Accept": BROWSER_ACCEPT})
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert told in response.text


# ---------------------------------------------------------------- the index


async def test_index_for_people() -> None:
    """A browser gets a page with links to every place, which loads nothing from elsewhere."""
    async with healthy(version) as site:
        response = await site.get("/", headers={"Accept": BROWSER_ACCEPT})
    for path in ("graphql", "health", "health/live", "health/ready"):
        assert f'href="{path}"' in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "http://" not in re.sub("http://www.w3.org/2000/svg", "", response.text)


async def test_index_for_programs() -> None:
    """A program gets name, version and places as JSON."""
    async with healthy(version) as site:
        response = await site.get("/")
    assert response.json() == {
        "name": "todo_gql",
        "version": build().version,
        "graphql": "/graphql",
        "health": "/health",
        "agents": "/mcp",
        "live": "/health/live",
        "ready": "/health/ready",
    }
