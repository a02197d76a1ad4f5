"""The page behind the link in an invitation's mail: a GET shows the invitation, a POST answers it."""

import logging
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from todo_gql.api.errors import ErrorCode, UserError, is_temporary
from todo_gql.database.connection import fetchrow
from todo_gql.features.sharing.acceptance import accept, decline
from todo_gql.features.sharing.email.outbox import LINK_PATH, MAY
from todo_gql.features.sharing.received import Received, received_by_token
from todo_gql.http.graphql.request import BadRequest
from todo_gql.http.pages import rendering
from todo_gql.http.pages.forms import read_form, read_link
from todo_gql.observability.request_record import set_caller
from todo_gql.operation.credential_limits import seconds_to_wait
from todo_gql.security.rate_limits import RateLimits, network_of
from todo_gql.settings import Settings

RETRY_SECONDS: Final = 1
ACTION: Final = LINK_PATH.rpartition("/")[2]
# Who can't sign in any more joins nothing.
SELECT_USERNAME: Final = """
SELECT username FROM users WHERE id = $1 AND is_active AND (deletion_at IS NULL OR deletion_at > now())
"""
logger = logging.getLogger(__name__)


def _page(name: str, status: int = 200, **facts: object) -> Response:
    page = rendering.page(f"invitation/{name}", status, form_action="'self'", **facts)
    page.headers["X-Robots-Tag"] = "noindex"
    return page


def _retry_page(name: str, status: int, token: str, seconds: int) -> Response:
    page = rendering.page(
        f"account/{name}", status, form_action="'self'", action=ACTION, token=token, seconds=seconds
    )
    page.headers["X-Robots-Tag"] = "noindex"
    page.headers["Retry-After"] = str(seconds)
    return page


class InvitationPage:
    """Mail scanners open links, so a GET answers no invitation.

    Whoever has the token reads the mails of the account that is invited, so that the page needs no session;
    it is that account that joins.
    """

    def __init__(self, settings: Settings, limits: RateLimits) -> None:
        self.settings = settings
        self.limits = limits

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        is_form = request.method == "POST"
        address = request.client.host if request.client else None
        set_caller(network_of(address))
        try:
            parameters = await read_form(request) if is_form else read_link(request)
        except BadRequest as error:
            refusal = rendering.page(
                "account/refused", error.status, form_action="'self'", reason=str(error)
            )
            refusal.headers.update(error.headers)
            return refusal
        token = parameters.get("token", "")
        if is_form and (seconds := await seconds_to_wait(self.limits, address, None)):
            return _retry_page("too_many", 429, token, seconds)
        try:
            return await self._answered(token, parameters, is_form=is_form)
        except Exception as error:
            if not is_temporary(error):
                raise
            logger.exception("the page of an invitation failed for now")
            return _retry_page("unavailable", 503, token, RETRY_SECONDS)

    async def _answered(self, token: str, form: Mapping[str, str], *, is_form: bool) -> Response:
        invitation = await received_by_token(token, self.settings)
        if invitation is None:
            return _page("gone", 410)
        if not is_form:
            return await _shown(invitation, token)
        if form.get("answer") == "decline":
            refused = await decline(None, token, None, self.settings)
            return _page("gone", 410) if refused else _page("declined")
        if await _username(invitation) is None or invitation.account_id is None:
            return await _shown(invitation, token)
        accepted = await accept(None, token, invitation.account_id, self.settings)
        if isinstance(accepted, UserError):
            is_gone = accepted.code is not ErrorCode.TOO_MANY
            return _page("gone", 410) if is_gone else _page("full", 409, reason=accepted.message)
        return _page("joined", list_name=invitation.list_name)


async def _username(invitation: Received) -> str | None:
    """The name of the account that an invitation is for; None without one that can sign in."""
    row = await fetchrow(SELECT_USERNAME, invitation.account_id)
    return row["username"] if row else None


async def _shown(invitation: Received, token: str) -> Response:
    return _page(
        "ask",
        action=ACTION,
        token=token,
        username=await _username(invitation),
        inviter=invitation.inviter,
        list_name=invitation.list_name,
        may=MAY[invitation.role],
    )


def invitation_route(settings: Settings, limits: RateLimits) -> Route:
    """The route of the links in invitations: `/account/invitation`."""
    return Route(f"/{LINK_PATH}", InvitationPage(settings, limits).answer, methods=["GET", "POST"])
