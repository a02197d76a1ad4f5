"""Sending, revoking and declining invitations.

Whether somebody has an account, or which address is theirs, can't be told from any of it: what is stored,
counted and answered is the same either way, and a worker looks up who gets a notification or a mail.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from tortoise.transactions import in_transaction
from uuid_utils.compat import uuid7

from todo_gql.api.errors import ConflictError, ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import InvitationOutcome, ListRole
from todo_gql.database.retry import OwnerChanged, retried
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.members.access import IS_MANAGER, IS_OPEN
from todo_gql.features.sharing.email.outbox import enqueue_delivery
from todo_gql.features.sharing.inputs import InvitationInput, Recipient, read_role
from todo_gql.features.sharing.standing import Standing, refusal, standing_in
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.operation.context import Context

LIFETIME: Final = timedelta(days=7)
MAX_MEMBERS: Final = 100
"""How many people may be in a list, its owner among them."""

MAX_OPEN: Final = 50
MAX_A_DAY: Final = 20
# The owner's lock puts changes of a list's members in a line, the inviter's what they send.
LOCK: Final = "SELECT id FROM users WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
# `$3` and `$4` are the keys of what was typed; a name's key is no mailbox's.
NUMBERS: Final = f"""
SELECT (SELECT count(*) FROM list_members WHERE list_id = $1) AS members,
    (SELECT count(*) FROM invitations i WHERE i.owner_id = $5 AND i.list_id = $1 AND {IS_OPEN}
        AND i.address_key <> $3) AS open,
    (SELECT count(*) FROM invitations WHERE invited_by_id = $2
        AND created_at > now() - interval '1 day') AS today,
    EXISTS (SELECT FROM list_members m JOIN users v ON v.id = m.user_id
        WHERE m.list_id = $1 AND v.username_key = $4) AS is_member,
    EXISTS (SELECT FROM users v WHERE v.id = $2
        AND coalesce(v.mailbox_key, v.email_key) = $3) AS is_oneself
"""
REPLACE: Final = f"""
UPDATE invitations i SET ended_at = now(), outcome = {InvitationOutcome.REVOKED.value}
WHERE i.owner_id = $1 AND i.list_id = $2 AND i.address_key = $3 AND i.ended_at IS NULL
"""
INSERT: Final = """
INSERT INTO invitations (id, owner_id, list_id, role, invited_by_id, invitee_id, address, address_key,
    secret_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, (SELECT u.id FROM users u WHERE u.username_key = $6
    AND (u.deletion_at IS NULL OR u.deletion_at > now())), $7, $8, $9, now(), now() + $10)
"""
# For who may choose the members of the list.
FIND_OPEN: Final = f"""
SELECT i.owner_id, i.list_id FROM invitations i WHERE i.id = $1 AND {IS_OPEN} AND {IS_MANAGER.format(viewer="$2")}
"""
END: Final = f"""
UPDATE invitations i SET ended_at = now(), outcome = $2 WHERE i.id = $1 AND {IS_OPEN} RETURNING i.id
"""


@retried
async def invite(context: Context, id: str, sent: InvitationInput) -> AcceptedPayload:
    """Invite somebody to a list, in the viewer's name; raises `Unauthenticated` if nobody is signed in.

    A newer invitation of the same name or address to the list replaces the one before it.
    """
    viewer, list_id = context.signed_in(), parse_id(id)
    if list_id and not viewer.opens_list(list_id):
        list_id = None
    problems: list[UserError] = []
    recipient = Recipient.read(sent.username_or_email, problems, context.settings)
    role = read_role(sent.role, problems, "input")
    async with in_transaction():
        standing = await _locked_standing(list_id, viewer.id)
        if refused := refusal(standing, ListRole.MANAGER, "id"):
            return AcceptedPayload(errors=[refused])
        if problems or recipient is None or standing is None or list_id is None:
            return AcceptedPayload(errors=problems)
        if problem := await _problem(standing, list_id, viewer.id, recipient):
            return AcceptedPayload(errors=[problem])
        await fetch(REPLACE, standing.owner_id, list_id, recipient.key)
        invitation_id = uuid7()
        token = LinkToken.of_mail(viewer.id, invitation_id, context.settings)
        await fetch(
            INSERT,
            *(invitation_id, standing.owner_id, list_id, role, viewer.id),
            *(recipient.username_key, recipient.typed, recipient.key, token.digest, LIFETIME),
        )
        await enqueue_delivery(invitation_id)
    context.clear_loaders()
    return AcceptedPayload(ok=True)


async def _locked_standing(list_id: UUID | None, user_id: UUID) -> Standing | None:
    """Somebody's standing in a list, under the locks of its owner and of themselves.

    Raises `OwnerChanged`, to begin again, if the list has another owner meanwhile.
    """
    standing = await standing_in(list_id, user_id)
    if standing is None:
        return None
    await fetch(LOCK, list({standing.owner_id, user_id}))
    locked = await standing_in(list_id, user_id)
    if locked and locked.owner_id != standing.owner_id:
        raise OwnerChanged
    return locked


async def _problem(
    standing: Standing, list_id: UUID, user_id: UUID, recipient: Recipient
) -> UserError | None:
    """Why nobody can be invited now, or why not this person."""
    numbers = await fetchrow(
        NUMBERS, list_id, user_id, recipient.key, recipient.username_key, standing.owner_id
    )
    assert numbers is not None
    # Who is in a list is known to all in it by name, but not by address.
    if numbers["is_member"] or numbers["is_oneself"]:
        return ConflictError(
            code=ErrorCode.ALREADY_EXISTS,
            message="They are in the list already.",
            path=["input", "usernameOrEmail"],
        )
    if numbers["members"] >= MAX_MEMBERS:
        message = f"{MAX_MEMBERS} people are in the list, and more are not allowed."
        return invalid(ErrorCode.TOO_MANY, message, "id")
    if numbers["open"] >= MAX_OPEN:
        message = f"{MAX_OPEN} invitations to the list are open. Revoke one, or wait for answers."
        return invalid(ErrorCode.TOO_MANY, message, "id")
    if numbers["today"] >= MAX_A_DAY:
        message = f"You have sent {MAX_A_DAY} invitations within a day. Send more tomorrow."
        return invalid(ErrorCode.RATE_LIMITED, message, "input")
    return None


@retried
async def revoke(context: Context, id: str) -> AcceptedPayload:
    """Revoke an open invitation to a list whose members the viewer may choose.

    Raises `Unauthenticated` if nobody is signed in.
    """
    viewer, invitation_id = context.signed_in(), parse_id(id)
    row = await fetchrow(FIND_OPEN, invitation_id, viewer.id) if invitation_id else None
    if row is None or not viewer.opens_list(row["list_id"]):
        return AcceptedPayload(errors=[not_found("id")])
    async with in_transaction():
        standing = await _locked_standing(row["list_id"], viewer.id)
        if standing is None or standing.role < ListRole.MANAGER:
            return AcceptedPayload(errors=[not_found("id")])
        if not await fetch(END, invitation_id, InvitationOutcome.REVOKED.value):
            return AcceptedPayload(errors=[not_found("id")])
    context.clear_loaders()
    return AcceptedPayload(ok=True)
