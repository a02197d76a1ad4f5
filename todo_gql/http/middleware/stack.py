"""What wraps every request: its id, its time, its line in the log, and CORS."""

import logging
import re
import sys
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Final, TextIO

import orjson
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uuid_utils import uuid4

from todo_gql.api.errors import INTERNAL_MESSAGE, Code
from todo_gql.http.graphql.origins import REFUSED, Preflights
from todo_gql.http.headers import Headers, headers_of
from todo_gql.http.middleware.proxy_headers import Proxies
from todo_gql.http.middleware.response_headers import Sender
from todo_gql.http.middleware.security_headers import SecurityHeaders
from todo_gql.http.monitoring.access_log import AccessLog
from todo_gql.http.monitoring.observer import Observer
from todo_gql.observability.request_record import RequestRecord, current

EXPOSED_HEADERS: Final = (
    "X-Request-ID",
    "X-Response-Time",
    "Retry-After",
    "WWW-Authenticate",
    "RateLimit",
    "RateLimit-Policy",
)
PREFLIGHT_SECONDS: Final = 3600

_CLIENT_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
logger = logging.getLogger(__name__)


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


def _open_to(origins: Sequence[str], app: ASGIApp) -> ASGIApp:
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=[origin.rstrip("/") for origin in origins],
        allow_methods=("GET", "POST"),
        allow_headers=("*",),
        allow_credentials="*" not in origins,
        expose_headers=EXPOSED_HEADERS,
        max_age=PREFLIGHT_SECONDS,
    )


class Ways:
    """The ways to an app: through CORS for a request with an Origin, and straight.

    Starlette's middleware costs a request more than our whole answer may.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._straight = app
        self._through_cors = _open_to(origins, app)

    def choose(self, headers: Headers) -> ASGIApp:
        """The way of a request with these headers."""
        return self._through_cors if b"origin" in headers else self._straight


def _identify(headers: Headers) -> str:
    given = headers.get(b"x-request-id")
    if given is not None and _CLIENT_REQUEST_ID.fullmatch(given):
        return given.decode("ascii")
    return str(uuid4())


class RequestEnvelope:
    """Gives every request an id, times and logs it, and answers exceptions that escape the app."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        ways: Ways,
        failure: Ways,
        vary: bool,
        access_log: AccessLog,
        observer: Observer,
        security: SecurityHeaders,
        proxies: Proxies,
        preflights: Preflights,
    ) -> None:
        self.app = app
        self.ways = ways
        self.failure = failure
        self.vary = vary
        self.access_log = access_log
        self.observer = observer
        self.security = security
        self.proxies = proxies
        self.preflights = preflights

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one HTTP request; a WebSocket goes through with the address that it comes from."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            self.access_log.flush()
            return
        headers = headers_of(scope)
        if headers.are_forwarded:
            await self.proxies.complete(scope, receive, send)
        if scope["type"] != "http":
            await self._take_websocket(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            self.preflights.look_at(scope)
        request_id = _identify(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        varies = self.vary and b"origin" not in headers
        sender = Sender(send, self.security, request_id, varies=varies)
        observation = self.observer.began(request_id)
        token = current.set(observation)
        try:
            await self.ways.choose(headers)(scope, receive, sender)
        except ClientDisconnect:
            logger.debug("the client went away before it had sent all of its request")
        except Exception:
            logger.exception("an exception escaped the application")
            if sender.status is None:
                await self.failure.choose(headers)(scope, receive, sender)
        finally:
            seconds = sender.seconds()
            self.observer.ended(observation, scope, sender.status, seconds)
            current.reset(token)
            self.access_log.write(scope, sender.status, observation, seconds)

    async def _take_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a WebSocket on; a handshake that is refused has its line like any request."""
        began = perf_counter()
        await self.app(scope, receive, send)
        if request_id := scope.get(REFUSED):
            observation, seconds = RequestRecord(request_id), perf_counter() - began
            asked = {**scope, "method": "GET"}
            self.access_log.write(asked, HTTPStatus.FORBIDDEN, observation, seconds)


def with_middleware(
    app: ASGIApp,
    *,
    cors_origins: Sequence[str] = (),
    log_level: str = "INFO",
    log_stream: TextIO | None = None,
    observer: Observer | None = None,
    production: bool = False,
    trusted_proxies: Iterable[object] = (),
) -> ASGIApp:
    """Wrap `app` in everything that each request needs.

    `cors_origins` are origins such as "https://app.example.com", or "*" for all, which then may
    not send credentials. The access log goes to `log_stream`, standard error by default, from
    `log_level` on. `observer` is told of each request. In `production` browsers are told to come by
    HTTPS only. `trusted_proxies` are the networks of those who may say where a request comes from.
    """
    return RequestEnvelope(
        app,
        ways=Ways(app, cors_origins),
        failure=Ways(internal_error, cors_origins),
        vary=bool(cors_origins),
        access_log=AccessLog(log_stream or sys.stderr, log_level),
        observer=observer or Observer(),
        security=SecurityHeaders(production=production),
        proxies=Proxies(trusted_proxies),
        preflights=Preflights(cors_origins),
    )
