"""Invitations as who they are for names them: by their id, or by the token that was mailed."""

from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Row, fetchrow
from todo_gql.database.models import ListRole
from todo_gql.features.accounts.account import bad_link
from todo_gql.features.members.access import IS_OPEN, MAILBOX_OF
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.settings import Settings

SELECT: Final = f"""
SELECT i.id, i.owner_id, i.list_id, i.role, i.secret_hash, i.invited_by_id, l.name AS list_name,
    s.username AS inviter,
    coalesce(i.invitee_id, (SELECT v.id FROM users v WHERE {MAILBOX_OF} = i.address_key
        AND v.email_verified_at IS NOT NULL LIMIT 1)) AS account_id
FROM invitations i JOIN lists l ON l.owner_id = i.owner_id AND l.id = i.list_id AND l.deleted_at IS NULL
    JOIN users s ON s.id = i.invited_by_id
WHERE i.id = $1 AND {IS_OPEN}
"""


class Received(NamedTuple):
    """An open invitation, and the account that it is for, if there is one.

    `path` is where it was named in the arguments.
    """

    id: UUID
    owner_id: UUID
    list_id: UUID
    role: ListRole
    inviter_id: UUID
    inviter: str
    list_name: str
    account_id: UUID | None
    path: str

    def refusal(self, user_id: UUID) -> UserError | None:
        """Why somebody can't answer it who isn't who it is for; None for who it is for."""
        if self.account_id == user_id:
            return None
        if self.path == "id":
            return not_found("id")
        message = (
            "The invitation is for another account, or for an address that isn't verified. Sign in with the"
            " account that was invited, or verify its address first."
        )
        return invalid(ErrorCode.INVALID, message, "token")


async def find_received(
    id: str | None, token: str | None, settings: Settings
) -> Received | UserError:
    """The open invitation with an id, or else with a token; or why there is none.

    Raises what `fetch` raises.
    """
    if id is not None:
        invitation_id = parse_id(id)
        row = await fetchrow(SELECT, invitation_id) if invitation_id else None
        return _received(row, "id") if row else not_found("id")
    if token is None:
        message = "Send the invitation's id, or the token in the link of its mail."
        return invalid(ErrorCode.REQUIRED, message, "id")
    return await received_by_token(token, settings) or bad_link("token")


async def received_by_token(token: str, settings: Settings) -> Received | None:
    """The open invitation whose mail had this token; None without one. Raises what `fetch` raises."""
    parsed = LinkToken.parse(token, settings)
    row = await fetchrow(SELECT, parsed.mail_id) if parsed else None
    if row is None or parsed is None or row["secret_hash"] != parsed.digest:
        return None
    return _received(row, "token")


def _received(row: Row, path: str) -> Received:
    return Received(
        row["id"],
        row["owner_id"],
        row["list_id"],
        ListRole(row["role"]),
        row["invited_by_id"],
        row["inviter"],
        row["list_name"],
        row["account_id"],
        path,
    )
