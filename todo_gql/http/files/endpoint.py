"""The links of files on a local disk: PUT stores a file, GET and HEAD read it."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Final, TypeVar

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from todo_gql.api.errors import Code, RateLimited
from todo_gql.http.graphql.rate_limit import RequestRateLimit
from todo_gql.http.headers import header
from todo_gql.observability.request_record import set_caller
from todo_gql.security.rate_limits import RateLimits, network_of
from todo_gql.storage.disposition import content_disposition
from todo_gql.storage.links import FILES_PATH, DownloadLink, UploadLink
from todo_gql.storage.local import LocalStore, UploadRefused
from todo_gql.storage.store import DOWNLOAD_SECONDS, UPLOAD_SECONDS

RETRY_SECONDS: Final = 5
UNKNOWN: Final = "This link isn't valid, or its file is gone."
EXPIRED: Final = "This link has expired; query the URL again."
# No page has a right to it but by its link, and nothing in it may run or load, however it is opened.
DOWNLOAD_HEADERS: Final[Mapping[str, str]] = {
    "cache-control": f"private, max-age={DOWNLOAD_SECONDS}",
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}
Link = TypeVar("Link", UploadLink, DownloadLink)
logger = logging.getLogger(__name__)


class Refusal(Exception):
    """A request that is refused with a status, in words for whoever writes a client."""

    def __init__(self, status: HTTPStatus, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class FileEndpoint:
    """Answers requests for links; a link's token says all that it allows, so nobody has to sign in."""

    def __init__(self, store: LocalStore, limits: RateLimits) -> None:
        self.store = store
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        client = scope.get("client")
        address = client[0] if client else None
        set_caller(network_of(address))
        limit = RequestRateLimit(self.limits, None, address)
        try:
            limit.count_request()
            response = await self._response(scope, receive)
        except RateLimited as error:
            response = _error(HTTPStatus.TOO_MANY_REQUESTS, str(error), error.code)
            response.headers.update({k.decode(): v.decode() for k, v in limit.headers})
        except Refusal as refusal:
            response = _error(refusal.status, str(refusal), Code.BAD_USER_INPUT)
            response.headers.update(refusal.headers)
        except OSError as error:
            # Its text has the path, which is of no use to clients.
            logger.error("files can't be stored or read: %s", error.strerror or error)  # noqa: TRY400 - a disk that is full has no traceback worth reading
            message = "Files can't be stored or read for now."
            response = _error(HTTPStatus.SERVICE_UNAVAILABLE, message, Code.UNAVAILABLE)
            response.headers["retry-after"] = str(RETRY_SECONDS)
        await response(scope, receive, send)

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        token = scope["path"].removeprefix(FILES_PATH)
        signer = self.store.signer
        match scope["method"]:
            case "PUT":
                return await self._stored(_current(signer.upload(token)), scope, receive)
            case "GET" | "HEAD":
                return await self._file(_current(signer.download(token)))
        raise Refusal(
            HTTPStatus.METHOD_NOT_ALLOWED, "Use PUT, GET or HEAD.", allow="PUT, GET, HEAD"
        )

    async def _stored(self, link: UploadLink, scope: Scope, receive: Receive) -> Response:
        content_type = (header(scope, b"content-type") or "").strip()
        if content_type.lower() != link.content_type.lower():
            raise Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send Content-Type: {link.content_type}."
            )
        announced = header(scope, b"content-length")
        if announced is not None and announced != str(link.size):
            status = HTTPStatus.BAD_REQUEST
            raise Refusal(status, f"The file was announced to have {link.size:,} bytes.")
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                await self.store.write_upload(link, _body(receive))
        except UploadRefused as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, str(error)) from None
        except FileNotFoundError:
            # It was deleted meanwhile, and its folder with it.
            raise Refusal(HTTPStatus.NOT_FOUND, UNKNOWN) from None
        except TimeoutError:
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, EXPIRED) from None
        return Response()

    async def _file(self, link: DownloadLink) -> Response:
        path = self.store.path(link.key)
        try:
            stat = await asyncio.to_thread(os.stat, path)
        except FileNotFoundError:
            raise Refusal(HTTPStatus.NOT_FOUND, UNKNOWN) from None
        disposition = content_disposition(link.file_name, inline=link.inline)
        headers = {**DOWNLOAD_HEADERS, "content-disposition": disposition}
        return FileResponse(path, headers=headers, media_type=link.content_type, stat_result=stat)


def _current(link: Link | None) -> Link:
    if link is None:
        raise Refusal(HTTPStatus.NOT_FOUND, UNKNOWN)
    if link.expires_at < time.time():
        raise Refusal(HTTPStatus.GONE, EXPIRED)
    return link


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    """The pieces of a request's body; raises `ClientDisconnect` if it breaks off."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if piece := message.get("body", b""):
            yield piece
        if not message.get("more_body", False):
            return


def _error(status: HTTPStatus, message: str, code: Code) -> Response:
    content = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    return Response(content, status, {"cache-control": "no-store"}, "application/json")
