"""The middleware around every request: its id, its duration, its access log line, and CORS."""

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
from todo_gql.http.middleware.proxy_headers import ProxyHeaders
from todo_gql.http.middleware.response_headers import SendWithHeaders
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
    "Content-Range",
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
    the exception again after that, and `RequestMiddleware` logs it.
    """
    return _internal_error(request.state.request_id)


def _cors_middleware(origins: Sequence[str], app: ASGIApp) -> ASGIApp:
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=[origin.rstrip("/") for origin in origins],
        allow_methods=("GET", "POST", "PUT"),
        allow_headers=("*",),
        allow_credentials="*" not in origins,
        expose_headers=EXPOSED_HEADERS,
        max_age=PREFLIGHT_SECONDS,
    )


class CorsDispatch:
    """Sends requests with an Origin header to an app through CORS, and others directly.

    Starlette's CORS middleware takes longer than a whole response of ours may.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._with_cors = _cors_middleware(origins, app)

    def app_for(self, headers: Headers) -> ASGIApp:
        """The app for a request with these headers."""
        return self._with_cors if b"origin" in headers else self._app


def _request_id(headers: Headers) -> str:
    sent = headers.get(b"x-request-id")
    if sent is not None and _CLIENT_REQUEST_ID.fullmatch(sent):
        return sent.decode("ascii")
    return str(uuid4())


class RequestMiddleware:
    """Assigns each request an id, times and logs it, and answers exceptions that escape the app."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        dispatch: CorsDispatch,
        failure: CorsDispatch,
        vary: bool,
        access_log: AccessLog,
        observer: Observer,
        security: SecurityHeaders,
        proxies: ProxyHeaders,
        preflights: Preflights,
    ) -> None:
        self.app = app
        self.dispatch = dispatch
        self.failure = failure
        self.vary = vary
        self.access_log = access_log
        self.observer = observer
        self.security = security
        self.proxies = proxies
        self.preflights = preflights

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an HTTP request, a WebSocket (only its client address and log line), or the lifespan."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            self.access_log.flush()
            return
        headers = headers_of(scope)
        if headers.are_forwarded:
            await self.proxies.apply(scope, receive, send)
        if scope["type"] != "http":
            await self._handle_websocket(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            self.preflights.log_refused(scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        varies = self.vary and b"origin" not in headers
        send_with_headers = SendWithHeaders(send, self.security, request_id, varies=varies)
        record = self.observer.began(request_id)
        token = current.set(record)
        try:
            await self.dispatch.app_for(headers)(scope, receive, send_with_headers)
        except ClientDisconnect:
            logger.debug("the client went away before it had sent all of its request")
        except Exception:
            logger.exception("an exception escaped the application")
            if send_with_headers.status is None:
                await self.failure.app_for(headers)(scope, receive, send_with_headers)
        finally:
            seconds = send_with_headers.seconds()
            self.observer.ended(record, scope, send_with_headers.status, seconds)
            current.reset(token)
            self.access_log.write(scope, send_with_headers.status, record, seconds)

    async def _handle_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a WebSocket; a handshake that is rejected has an access log line, as a request has."""
        began = perf_counter()
        await self.app(scope, receive, send)
        if request_id := scope.get(REFUSED):
            record, seconds = RequestRecord(request_id), perf_counter() - began
            handshake = {**scope, "method": "GET"}
            self.access_log.write(handshake, HTTPStatus.FORBIDDEN, record, seconds)


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
    """Wrap `app` in the middleware of every request.

    `cors_origins` are origins such as "https://app.example.com", or "*" for all, which then may
    not send credentials. The access log is written to `log_stream`, standard error by default, from
    `log_level` on. `observer` observes each request. In `production` responses have
    Strict-Transport-Security. `trusted_proxies` are the networks whose X-Forwarded-For is believed.
    """
    return RequestMiddleware(
        app,
        dispatch=CorsDispatch(app, cors_origins),
        failure=CorsDispatch(internal_error, cors_origins),
        vary=bool(cors_origins),
        access_log=AccessLog(log_stream or sys.stderr, log_level),
        observer=observer or Observer(),
        security=SecurityHeaders(production=production),
        proxies=ProxyHeaders(trusted_proxies),
        preflights=Preflights(cors_origins),
    )
