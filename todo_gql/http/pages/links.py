"""Answers the links in mails: a GET shows a form, its POST uses the link.

Mail scanners open links, so a GET must not use a link up.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from todo_gql.api.errors import is_temporary
from todo_gql.http.graphql.request import BadRequest
from todo_gql.http.pages.forms import read_form, read_link
from todo_gql.http.pages.rendering import link_page
from todo_gql.observability.request_record import set_caller
from todo_gql.security.rate_limits import network_of

RETRY_SECONDS: Final = 1
logger = logging.getLogger(__name__)

SecondsToWait: TypeAlias = Callable[[str | None, str], Awaitable[int]]
"""Counts a form from an address with a token; the seconds to wait, 0 if it is allowed."""

Respond: TypeAlias = Callable[[str, Mapping[str, str] | None], Awaitable[Response]]
"""The page for a token, and for the fields of the form that was sent; None without a form."""


async def answer_link(
    request: Request, action: str, wait: SecondsToWait, respond: Respond
) -> Response:
    """Answer one request; `action` is the path to which forms are sent, relative to the page."""
    is_form = request.method == "POST"
    address = request.client.host if request.client else None
    set_caller(network_of(address))
    try:
        parameters = await read_form(request) if is_form else read_link(request)
    except BadRequest as error:
        refusal = link_page("account/refused", error.status, reason=str(error))
        refusal.headers.update(error.headers)
        return refusal
    token = parameters.get("token", "")
    if is_form and (seconds := await wait(address, token)):
        return _retry_page("too_many", 429, action, token, seconds)
    try:
        return await respond(token, parameters if is_form else None)
    except Exception as error:
        if not is_temporary(error):
            raise
        logger.exception("the page of a link failed for now")
        return _retry_page("unavailable", 503, action, token, RETRY_SECONDS)


def _retry_page(name: str, status: int, action: str, token: str, seconds: int) -> Response:
    page = link_page(f"account/{name}", status, action=action, token=token, seconds=seconds)
    page.headers["Retry-After"] = str(seconds)
    return page
