"""What wraps every request: its id, its time, its line in the log, CORS and compression."""

import logging
import re
import sys
from collections.abc import Awaitable, Sequence
from time import perf_counter
from typing import Any, Final, TextIO

import orjson
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid4

from todo_gql.errors import INTERNAL_MESSAGE, Code
from todo_gql.http import logs

EXPOSED_HEADERS: Final = ("X-Request-ID", "X-Response-Time", "Retry-After", "WWW-Authenticate")
SMALLEST_COMPRESSED_BYTES: Final = 1024
PREFLIGHT_SECONDS: Final = 3600

_CLIENT_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
logger = logging.getLogger(__name__)


def _header(scope: Scope, name: bytes) -> bytes | None:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def _identify(scope: Scope) -> str:
    given = _header(scope, b"x-request-id")
    if given is not None and _CLIENT_REQUEST_ID.fullmatch(given):
        return given.decode("ascii")
    return str(uuid4())


def _internal_error(request_id: str) -> Response:
    extensions = {"code": Code.INTERNAL, "requestId": request_id}
    content = orjson.dumps({"errors": [{"message": INTERNAL_MESSAGE, "extensions": extensions}]})
    return Response(content, 500, {"cache-control": "no-store"}, "application/json")


async def internal_error(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer an unexpected exception: status 500 and nothing but the id of the request."""
    await _internal_error(scope["state"]["request_id"])(scope, receive, send)


async def on_exception(request: Request, _exception: Exception) -> Response:
    """Keep Starlette from answering exceptions in plain text.

    Register it with `Starlette(exception_handlers={Exception: on_exception})`; Starlette raises
    the exception again after that, and `RequestEnvelope` logs it.
    """
    return _internal_error(request.state.request_id)


def _facts(scope: Scope, status: int | None, request_id: str, started: float) -> dict[str, Any]:
    client = scope.get("client")
    return {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "duration_ms": int((perf_counter() - started) * 100_000) / 100,
        "request_id": request_id,
        "client": client[0] if client else None,
    }


class RequestEnvelope:
    """Gives every request an id, times and logs it, and answers exceptions that escape the app."""

    def __init__(self, app: ASGIApp, failure: ASGIApp, access_log: logs.AccessLog) -> None:
        self.app = app
        self.failure = failure
        self.access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one HTTP request; other kinds of scope go through untouched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        request_id = _identify(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status: int | None = None

        def send_marked(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] != "http.response.start":
                return send(message)
            status = message["status"]
            headers = [
                *message.get("headers", ()),
                (b"x-request-id", request_id.encode("ascii")),
                (b"x-response-time", b"%.2fms" % ((perf_counter() - started) * 1000)),
            ]
            return send({**message, "headers": headers})

        token = logs.request_id.set(request_id)
        try:
            await self.app(scope, receive, send_marked)
        except ClientDisconnect:
            logger.debug("the client went away before it had sent all of its request")
        except Exception:
            logger.exception("an exception escaped the application")
            if status is None:
                await self.failure(scope, receive, send_marked)
        finally:
            logs.request_id.reset(token)
            level = logging.DEBUG if scope["path"].startswith("/health") else logging.INFO
            if level >= self.access_log.threshold:
                self.access_log.write(level, _facts(scope, status, request_id, started))


class WhenHeader:
    """Sends requests whose header `name` speaks of `mention` through `special`, others past it.

    Starlette's middleware costs a request more than our whole answer to it may, even where it
    has nothing to do.
    """

    def __init__(self, name: bytes, mention: bytes, *, special: ASGIApp, others: ASGIApp) -> None:
        self.name = name
        self.mention = mention
        self.special = special
        self.others = others

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass one request on; other kinds of scope go past `special`."""
        value = _header(scope, self.name) if scope["type"] == "http" else None
        chosen = self.others if value is None or self.mention not in value else self.special
        return chosen(scope, receive, send)


class VaryByOrigin:
    """Tells caches that an answer to a request without an Origin is no answer to one with."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one HTTP request; other kinds of scope go through untouched."""
        if scope["type"] != "http":
            return self.app(scope, receive, send)

        def send_varying(message: Message) -> Awaitable[None]:
            if message["type"] != "http.response.start":
                return send(message)
            headers = [*message.get("headers", ()), (b"vary", b"Origin")]
            return send({**message, "headers": headers})

        return self.app(scope, receive, send_varying)


def _open_to(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    if not origins:
        return app
    cors = CORSMiddleware(
        app,
        allow_origins=[origin.rstrip("/") for origin in origins],
        allow_methods=("GET", "POST"),
        allow_headers=("*",),
        allow_credentials="*" not in origins,
        expose_headers=EXPOSED_HEADERS,
        max_age=PREFLIGHT_SECONDS,
    )
    return WhenHeader(b"origin", b"", special=cors, others=VaryByOrigin(app))


def _compressed(app: ASGIApp, level: int) -> ASGIApp:
    gzip = GZipMiddleware(app, minimum_size=SMALLEST_COMPRESSED_BYTES, compresslevel=level)
    return WhenHeader(b"accept-encoding", b"gzip", special=gzip, others=app)


def with_middleware(
    app: ASGIApp,
    *,
    cors_origins: Sequence[str] = (),
    compression_level: int | None = None,
    log_level: str = "INFO",
    log_stream: TextIO | None = None,
) -> ASGIApp:
    """Wrap `app` in everything that each request needs.

    `cors_origins` are origins such as "https://app.example.com", or "*" for all, which then may
    not send credentials. `compression_level` is gzip's, 1 to 9, and None switches compression
    off. The access log goes to `log_stream`, standard error by default, from `log_level` on.
    """
    answered = app if compression_level is None else _compressed(app, compression_level)
    return RequestEnvelope(
        _open_to(answered, cors_origins),
        failure=_open_to(internal_error, cors_origins),
        access_log=logs.AccessLog(log_stream or sys.stderr, log_level),
    )
