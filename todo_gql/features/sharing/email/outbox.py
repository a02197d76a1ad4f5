"""Delivering invitations: notifications to who has an account, and mails, both by a worker."""

import logging
from typing import Final
from uuid import UUID

from tortoise.transactions import in_transaction

from todo_gql.database.connection import Row, acquire, fetch, fetchrow
from todo_gql.database.models import ChangeKind, ListRole, MailKind, NotificationKind
from todo_gql.database.retry import retried
from todo_gql.features.accounts.account import locked_account
from todo_gql.features.accounts.email import recipients
from todo_gql.features.accounts.email.outbox import INSERT_MAIL, MARK_SENT
from todo_gql.features.accounts.email.templates import render_message
from todo_gql.features.members.access import IS_OPEN, MAILBOX_OF
from todo_gql.inbox.entries import Entry, enter
from todo_gql.inbox.preferences import preferences_of
from todo_gql.inbox.wake_ups import announce
from todo_gql.jobs import queue as jobs
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.mail.message import Envelope, MessageContent, compose
from todo_gql.mail.transport import Transport
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

DELIVER_INVITATION: Final = "deliver_invitation"
"""The kind of job that looks up who gets an invitation; stored in the queue."""

SEND_INVITATION: Final = "send_invitation"
"""The kind of job that mails an invitation; stored in the queue."""

LINK_PATH: Final = "account/invitation"
"""The path of the link in the mail, below PUBLIC_URL."""

# The account that it is for: by user name, or by an address that is verified. Who is in the list gets nothing.
SELECT_DELIVERY: Final = f"""
SELECT i.id, i.invited_by_id, i.address, i.expires_at, v.id AS account_id, v.email,
    v.email_verified_at IS NOT NULL AS is_verified,
    EXISTS (SELECT FROM list_members m WHERE m.list_id = i.list_id AND m.user_id = v.id) AS is_member
FROM invitations i
    JOIN lists l ON l.owner_id = i.owner_id AND l.id = i.list_id AND l.deleted_at IS NULL
    LEFT JOIN users v ON v.id = coalesce(i.invitee_id, (SELECT v.id FROM users v
        WHERE {MAILBOX_OF} = i.address_key AND v.email_verified_at IS NOT NULL LIMIT 1))
WHERE i.id = $1 AND {IS_OPEN}
"""
SELECT_MAIL: Final = f"""
SELECT m.address, m.created_at, m.sent_at, m.used_at IS NOT NULL AS is_withheld, s.username,
    l.name AS list_name, i.role, i.expires_at
FROM mails m JOIN users s ON s.id = m.owner_id
    JOIN invitations i ON i.id = m.id AND i.invited_by_id = m.owner_id
    JOIN lists l ON l.owner_id = i.owner_id AND l.id = i.list_id AND l.deleted_at IS NULL
WHERE m.owner_id = $1 AND m.id = $2 AND {IS_OPEN}
"""
MAY: Final = {
    ListRole.VIEWER: "read it",
    ListRole.EDITOR: "read it and write its todos",
    ListRole.MANAGER: "change all of it, and who is in it",
}
"""What the roles of invitations allow, in words."""


async def enqueue_delivery(invitation_id: UUID) -> None:
    """Enqueue the delivery of an invitation, in Tortoise's transaction that is open.

    A worker looks up who it is for, so that the response takes the same time if that is nobody.
    """
    key, ids = f"invitation {invitation_id}", {"invitation_id": invitation_id}
    await jobs.enqueue(DELIVER_INVITATION, key, ids)


@retried
async def deliver(invitation_id: UUID, settings: Settings) -> None:
    """Enter an invitation into the inbox of who it is for, and enqueue its mail; once each.

    An account gets its mail at the address that it has verified, if it wants mails of invitations; who
    has none at the address that was typed. Raises what `fetch` raises.
    """
    async with in_transaction():
        row = await fetchrow(SELECT_DELIVERY, invitation_id)
        if row is None or row["is_member"]:
            return
        # Accounts are locked before inboxes.
        if address := await _address(row):
            await _enqueue_mail(row, address, settings)
        if row["account_id"]:
            await _enter(row)
    if row["account_id"]:
        announce([row["account_id"]])


async def _enter(row: Row) -> None:
    entry = Entry(
        row["account_id"],
        NotificationKind.INVITED,
        f"invitation {row['id']}",
        row["invited_by_id"],
        ChangeKind.MEMBER,
        row["id"],
    )
    async with acquire() as connection:
        await enter(connection, [entry])


async def _address(row: Row) -> str | None:
    """Where the mail goes; None if there is none."""
    if row["account_id"] is None:
        return row["address"] if "@" in row["address"] else None
    preferences = await preferences_of(row["account_id"])
    is_mailed = row["is_verified"] and preferences.channels(NotificationKind.INVITED).email
    return row["email"] if is_mailed else None


async def _enqueue_mail(row: Row, address: str, settings: Settings) -> None:
    """Enqueue the mail, unless its recipient has had as many as anybody may cause within an hour."""
    account = await locked_account(row["invited_by_id"])
    if account is None:
        return
    limit = await recipients.recipient_limit(
        account, address, settings, has_link=True, is_proven=False
    )
    inserted = await fetchrow(
        INSERT_MAIL,
        *(row["id"], account.id, MailKind.INVITATION, address, None, None, None, None),
        *(*limit, None),
    )
    if inserted is None:
        return
    if inserted["is_withheld"]:
        metrics().mails.labels(MailKind.INVITATION.name.lower(), "withheld").inc()
        return
    ids = {"owner_id": account.id, "mail_id": row["id"]}
    key, good_until = f"mail {row['id']}", row["expires_at"]
    await jobs.enqueue(SEND_INVITATION, key, ids, good_until=good_until)


async def send(inviter_id: UUID, mail_id: UUID, settings: Settings, transport: Transport) -> None:
    """Mail an invitation, unless it was mailed already, or isn't open any more.

    Raises what the transport raises.
    """
    row = await fetchrow(SELECT_MAIL, inviter_id, mail_id)
    if row is None or row["sent_at"] or row["is_withheld"]:
        return
    content = _message(row, LinkToken.of_mail(inviter_id, mail_id, settings), settings)
    envelope = Envelope(mail_id, settings.sender, row["address"], row["created_at"])
    count, kind = metrics().mails.labels, MailKind.INVITATION.name.lower()
    try:
        await transport(compose(content, envelope))
    except Exception:
        count(kind, "failed").inc()
        raise
    count(kind, "sent").inc()
    await fetch(MARK_SENT, inviter_id, mail_id)
    if settings.smtp_url is None:
        logger.info("the link in it: %s", content.link)


def _message(row: Row, token: LinkToken, settings: Settings) -> MessageContent:
    expires_at = row["expires_at"]
    return render_message(
        "invitation",
        f"{settings.base_url}/{LINK_PATH}?token={token.text}",
        "todo_gql.features.sharing.email",
        inviter=row["username"],
        list_name=row["list_name"],
        may=MAY[ListRole(row["role"])],
        address=row["address"],
        good_until=f"{expires_at:%H:%M} UTC on {expires_at:%-d %B %Y}",
    )
