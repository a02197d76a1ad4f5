"""The page behind the links that unsubscribe from mails: a GET asks, a POST does (RFC 8058)."""

import logging
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from todo_gql.api.errors import is_temporary
from todo_gql.features.notifications.email.unsubscribing import (
    UNSUBSCRIBE_PATH,
    Unsubscription,
    unsubscribe,
)
from todo_gql.http.graphql.request import BadRequest, check_length, read_body
from todo_gql.http.headers import headers_of
from todo_gql.http.pages.forms import MAX_FORM_BYTES, read_link
from todo_gql.http.pages.rendering import link_page
from todo_gql.observability.request_record import set_caller
from todo_gql.security.rate_limits import network_of
from todo_gql.settings import Settings

RETRY_SECONDS: Final = 1
logger = logging.getLogger(__name__)


class UnsubscribePage:
    """Mail scanners open links, so only a POST unsubscribes: the page's button, or a mail provider's.

    The token in the address is all that counts: providers send no cookies, and a form of either type.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        set_caller(network_of(request.client.host if request.client else None))
        try:
            token = read_link(request).get("token", "")
            if request.method == "POST":
                await _read_whole(request)
        except BadRequest as error:
            refusal = _page("refused", error.status, reason=str(error))
            refusal.headers.update(error.headers)
            return refusal
        chosen = Unsubscription.parse(token, self.settings)
        if chosen is None:
            return _page("unknown", 410)
        if request.method != "POST":
            return _page("ask", action=f"{UNSUBSCRIBE_PATH}?token={token}", words=chosen.words)
        return await _unsubscribed(chosen)


async def _unsubscribed(chosen: Unsubscription) -> Response:
    try:
        is_known = await unsubscribe(chosen)
    except Exception as error:
        if not is_temporary(error):
            raise
        logger.exception("nobody can unsubscribe for now")
        page = _page("unavailable", 503)
        page.headers["Retry-After"] = str(RETRY_SECONDS)
        return page
    return _page("done", words=chosen.words) if is_known else _page("unknown", 410)


async def _read_whole(request: Request) -> None:
    """Read a body, which says nothing that the token doesn't; raises BadRequest if it is too long."""
    check_length(headers_of(request.scope), MAX_FORM_BYTES)
    try:
        await read_body(request.receive, MAX_FORM_BYTES)
    except ConnectionResetError:
        raise ClientDisconnect from None


def _page(name: str, status: int = 200, **facts: object) -> Response:
    return link_page(f"unsubscribe/{name}", status, **facts)


def unsubscribe_route(settings: Settings) -> Route:
    """The route of the links that unsubscribe."""
    return Route(f"/{UNSUBSCRIBE_PATH}", UnsubscribePage(settings).answer, methods=["GET", "POST"])
