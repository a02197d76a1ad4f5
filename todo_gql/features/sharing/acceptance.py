"""Accepting and declining invitations, by their id or by the token that was mailed."""

from typing import Final
from uuid import UUID

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import InvitationOutcome
from todo_gql.database.retry import retried
from todo_gql.features.accounts.account import bad_link
from todo_gql.features.members.access import MAILBOX_OF
from todo_gql.features.sharing.invitations import END, MAX_MEMBERS
from todo_gql.features.sharing.memberships import MemberWrite, member_write
from todo_gql.features.sharing.received import SELECT, Received, find_received
from todo_gql.settings import Settings

MAX_MEMBERSHIPS: Final = 200
"""In how many lists of others somebody may be: each makes reading all of them a little dearer."""

# Those to the same person by another name, too; both keys are of the account that is locked.
END_OTHERS: Final = f"""
UPDATE invitations i SET ended_at = now(), outcome = {InvitationOutcome.ACCEPTED.value}
WHERE i.owner_id = $1 AND i.list_id = $2 AND i.ended_at IS NULL AND (i.invitee_id = $3
    OR i.address_key = (SELECT {MAILBOX_OF} FROM users v WHERE v.id = $3 AND v.email_verified_at IS NOT NULL))
"""
NUMBERS: Final = """
SELECT (SELECT count(*) FROM list_members WHERE owner_id = $1 AND list_id = $2) AS members,
    (SELECT membership_count FROM users WHERE id = $3) AS memberships
"""


@retried
async def accept(
    id: str | None, token: str | None, user_id: UUID, settings: Settings
) -> Received | UserError:
    """Have somebody join the list that they are invited to; who is in it already stays what they are.

    The invitation that was accepted, or why there is none for them. Raises `Unauthenticated` if the account
    is deleted.
    """
    invitation = await find_received(id, token, settings)
    if not isinstance(invitation, Received):
        return invitation
    if refused := invitation.refusal(user_id):
        return refused
    list_id = invitation.list_id
    async with member_write(
        owner_id=invitation.owner_id, list_id=list_id, actor_id=user_id, user_ids=[user_id]
    ) as members:
        refused = await _joined(members, invitation, user_id)
        if refused:
            members.write.discard()
            return refused
    return invitation


async def _joined(members: MemberWrite, invitation: Received, user_id: UUID) -> UserError | None:
    """Use an invitation, under the locks of the owner and of who accepts; or why that can't be done."""
    write, list_id = members.write, members.list_id
    current = await write.connection.fetchrow(SELECT, invitation.id)
    if current is None or current["account_id"] != user_id:
        return _gone(invitation)
    if not await write.connection.fetch(END, invitation.id, InvitationOutcome.ACCEPTED.value):
        return _gone(invitation)
    await write.connection.execute(END_OTHERS, write.owner_id, list_id, user_id)
    if await members.member(user_id):
        return None
    numbers = await write.connection.fetchrow(NUMBERS, write.owner_id, list_id, user_id)
    assert numbers is not None
    if problem := _problem(numbers):
        return invalid(*problem, invitation.path)
    await members.add(user_id, invitation.role)
    await members.notify_others(write.owner_id, invitation.inviter_id)
    return None


def _gone(invitation: Received) -> UserError:
    """That an invitation was answered, revoked or lost its list meanwhile."""
    return not_found("id") if invitation.path == "id" else bad_link("token")


def _problem(numbers: Row) -> tuple[ErrorCode, str] | None:
    if numbers["members"] >= MAX_MEMBERS:
        message = f"{MAX_MEMBERS} people are in the list, and more are not allowed."
        return ErrorCode.TOO_MANY, message
    if numbers["memberships"] >= MAX_MEMBERSHIPS:
        message = f"You are in {MAX_MEMBERSHIPS} lists of others. Leave one first."
        return ErrorCode.TOO_MANY, message
    return None


@retried
async def decline(
    id: str | None, token: str | None, user_id: UUID | None, settings: Settings
) -> UserError | None:
    """Decline an invitation; why there is none for somebody, or None if it is declined.

    Without a user the token is enough: whoever has it reads the mails that it was sent to. Raises what
    `fetch` raises.
    """
    invitation = await find_received(id, token, settings)
    if not isinstance(invitation, Received):
        return invitation
    if user_id and (refused := invitation.refusal(user_id)):
        return refused
    return (
        None
        if await fetch(END, invitation.id, InvitationOutcome.DECLINED.value)
        else _gone(invitation)
    )
