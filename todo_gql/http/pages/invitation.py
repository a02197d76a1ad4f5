"""The page behind the link in an invitation's mail: a GET shows the invitation, a POST answers it."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from todo_gql.api.errors import ErrorCode, UserError
from todo_gql.database.connection import fetchrow
from todo_gql.features.sharing.acceptance import accept, decline
from todo_gql.features.sharing.email.outbox import LINK_PATH, MAY
from todo_gql.features.sharing.received import Received, received_by_token
from todo_gql.http.pages.links import answer_link
from todo_gql.http.pages.rendering import link_page
from todo_gql.operation.credential_limits import seconds_to_wait
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

ACTION: Final = LINK_PATH.rpartition("/")[2]
# Who can't sign in any more joins nothing.
SELECT_USERNAME: Final = """
SELECT username FROM users WHERE id = $1 AND is_active AND (deletion_at IS NULL OR deletion_at > now())
"""


def _page(name: str, status: int = 200, **facts: object) -> Response:
    return link_page(f"invitation/{name}", status, **facts)


class InvitationPage:
    """The page of invitations.

    Whoever has the token reads the mails of the account that is invited, so that the page needs no session;
    it is that account that joins.
    """

    def __init__(self, settings: Settings, limits: RateLimits) -> None:
        self.settings = settings
        self.limits = limits

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        return await answer_link(request, ACTION, self._seconds_to_wait, self._respond)

    async def _seconds_to_wait(self, address: str | None, _token: str) -> int:
        return await seconds_to_wait(self.limits, address, None)

    async def _respond(self, token: str, form: Mapping[str, str] | None) -> Response:
        invitation = await received_by_token(token, self.settings)
        if invitation is None:
            return _page("gone", 410)
        if form and form.get("answer") == "decline":
            refused = await decline(None, token, None, self.settings)
            return _page("gone", 410) if refused else _page("declined")
        username = await _username(invitation)
        if form is None or username is None or invitation.account_id is None:
            return _shown(invitation, token, username)
        accepted = await accept(None, token, invitation.account_id, self.settings)
        if isinstance(accepted, UserError):
            is_gone = accepted.code is not ErrorCode.TOO_MANY
            return _page("gone", 410) if is_gone else _page("full", 409, reason=accepted.message)
        return _page("joined", list_name=invitation.list_name)


async def _username(invitation: Received) -> str | None:
    """The name of the account that an invitation is for; None without one that can sign in."""
    row = await fetchrow(SELECT_USERNAME, invitation.account_id)
    return row["username"] if row else None


def _shown(invitation: Received, token: str, username: str | None) -> Response:
    return _page(
        "ask",
        action=ACTION,
        token=token,
        username=username,
        inviter=invitation.inviter,
        list_name=invitation.list_name,
        may=MAY[invitation.role],
    )


def invitation_route(settings: Settings, limits: RateLimits) -> Route:
    """The route of the links in invitations: `/account/invitation`."""
    return Route(f"/{LINK_PATH}", InvitationPage(settings, limits).answer, methods=["GET", "POST"])
