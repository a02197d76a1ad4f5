"""Mails to accounts: enqueued in the transaction that causes them, sent by a worker."""

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.login_identifiers import mailbox_key
from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.database.models import MailKind, User
from todo_gql.features.accounts.email import recipients
from todo_gql.features.accounts.email.links import SESSION_IS_ACTIVE, void_links
from todo_gql.features.accounts.email.templates import LINK_PATHS, render_message
from todo_gql.features.accounts.lookup import HAS_EMAIL, email_keys
from todo_gql.jobs import queue as jobs
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.mail.message import Envelope, MessageContent, compose
from todo_gql.mail.transport import Transport
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

SEND_MAIL: Final = "send_mail"
"""The kind of job that sends a mail; stored in the queue."""

# Under the account's lock, so that two mails can't both be the last that is allowed.
INSERT_MAIL = """
WITH share AS (
    SELECT count(*) < $11 OR $11 IS NULL AS has_room FROM (
        SELECT recipient_hash, created_at FROM mails
        UNION ALL SELECT recipient_hash, created_at FROM purged_mails
    ) m
    WHERE m.recipient_hash = ANY($10::bytea[]) AND m.created_at > now() - interval '1 hour'
)
INSERT INTO mails (id, owner_id, kind, address, link_hash, created_at, expires_at, session_id,
    used_at, recipient_hash)
SELECT $1, $2, $3, $4, $5, now(), now() + $6, $8,
    CASE WHEN NOT has_room THEN now() END, CASE WHEN has_room THEN $9::bytea END FROM share
WHERE $7::int IS NULL OR (SELECT count(*) FROM mails m WHERE m.owner_id = $2 AND m.kind = $3
    AND m.created_at > now() - interval '1 hour') < $7
    OR $12::interval IS NOT NULL AND has_room AND NOT EXISTS (
        SELECT FROM mails m WHERE m.owner_id = $2 AND m.kind = $3
            AND m.recipient_hash IS NOT NULL AND m.created_at > now() - $12)
ON CONFLICT (id) DO NOTHING RETURNING expires_at, used_at IS NOT NULL AS is_withheld
"""
SELECT_MAIL = f"""
SELECT m.kind, m.address, m.created_at, m.expires_at, m.sent_at,
    m.used_at IS NOT NULL OR NOT {SESSION_IS_ACTIVE} AS is_void, u.username, u.deletion_at, m.expires_at <= now() AS is_expired, u.deletion_at <= now() AS is_due
FROM mails m JOIN users u ON u.id = m.owner_id WHERE m.owner_id = $1 AND m.id = $2
"""
OWNED_BY_ANOTHER = f"SELECT FROM users WHERE {HAS_EMAIL} AND id <> $3"
MARK_SENT = "UPDATE mails SET sent_at = now() WHERE owner_id = $1 AND id = $2"


async def enqueue(
    account: User,
    kind: MailKind,
    settings: Settings,
    *,
    address: str | None = None,
    is_proven: bool | None = None,
    mail_id: UUID | None = None,
    session_id: UUID | None = None,
) -> bool:
    """Enqueue a mail, to be sent once the transaction commits, which holds the account's lock.

    `address` is the account's own unless it is set; `is_proven` says whether the account has proven
    it, and is looked up for its own. A link voids earlier links of its kind, and is valid no longer
    than the session that asked for it, if one did.

    False if the account has had its mails of this kind for the hour. Only mails with a link are
    limited, since a notice must not be withheld by whoever causes several; a reset is sent
    nevertheless once half of the last link's lifetime is over. A mail above its recipient's limit is
    stored void and never sent, and True is returned: whoever asks must not learn of it.
    Enqueuing the same `mail_id` again has no effect.
    """
    mail_id, to = mail_id or uuid7(), address or account.email
    token = LinkToken.of_mail(account.id, mail_id, settings) if kind in LINK_PATHS else None
    if is_proven is None:
        is_own = mailbox_key(to) == mailbox_key(account.email)
        is_proven = is_own and account.email_verified_at is not None
    limit = await recipients.recipient_limit(
        account, to, settings, has_link=token is not None, is_proven=is_proven
    )
    inserted = await fetchrow(
        INSERT_MAIL,
        mail_id,
        account.id,
        kind,
        to,
        token and token.digest,
        link_lifetime(kind, settings) if token else None,
        settings.mails_per_hour if kind in LINK_PATHS else None,
        session_id if token else None,
        *limit,
        _min_interval(kind, settings),
    )
    # A request for another address withdraws the former request, even if this mail is withheld.
    if inserted and token and (kind is MailKind.EMAIL_CHANGE or not inserted["is_withheld"]):
        await void_links(account.id, kind, but=mail_id)
    if inserted and inserted["is_withheld"]:
        metrics().mails.labels(kind.name.lower(), "withheld").inc()
    if inserted:
        ids = {"owner_id": account.id, "mail_id": mail_id}
        key, good_until = f"mail {mail_id}", inserted["expires_at"]
        await jobs.enqueue(SEND_MAIL, key, ids, good_until=good_until)
    return inserted is not None


def _min_interval(kind: MailKind, settings: Settings) -> timedelta | None:
    """How long after a mail of a kind another one is sent, however many there were in the hour.

    Anybody can request resets for somebody else's address. An owner who requests one has a link with
    at least half of its lifetime left, or is sent another one.
    """
    if kind is not MailKind.PASSWORD_RESET:
        return None
    return max(link_lifetime(kind, settings) / 2, timedelta(hours=1) / settings.mails_per_recipient)


def link_lifetime(kind: MailKind, settings: Settings) -> timedelta:
    """How long the link in a mail of a kind is valid."""
    if kind is MailKind.PASSWORD_RESET:
        return timedelta(minutes=settings.password_reset_expire_minutes)
    return timedelta(hours=settings.email_link_expire_hours)


async def send(owner_id: UUID, mail_id: UUID, settings: Settings, transport: Transport) -> None:
    """Send a mail that was enqueued, unless it was sent already or there is no reason for it now.

    Raises `jobs.LinkExpired` when its link has expired, and what the transport raises.
    """
    row = await fetchrow(SELECT_MAIL, owner_id, mail_id)
    if row is None or row["sent_at"] or row["is_void"]:
        return
    if row["kind"] == MailKind.ACCOUNT_DELETION and row["deletion_at"] is None:
        return
    if row["is_expired"]:
        raise jobs.LinkExpired
    token = LinkToken.of_mail(owner_id, mail_id, settings)
    if row["kind"] == MailKind.EMAIL_CHANGE and await _is_owned_by_another(
        row["address"], owner_id
    ):
        text = render_message("address_taken", None)
    else:
        text = _message(row, token, settings)
    envelope = Envelope(mail_id, settings.sender, row["address"], row["created_at"])
    count = metrics().mails.labels
    kind = MailKind(row["kind"]).name.lower()
    try:
        await transport(compose(text, envelope))
    except Exception:
        count(kind, "failed").inc()
        raise
    count(kind, "sent").inc()
    await fetch(MARK_SENT, owner_id, mail_id)
    if text.link and settings.smtp_url is None:
        logger.info("the link in it: %s", text.link)


async def _is_owned_by_another(address: str, owner_id: UUID) -> bool:
    """Whether another account has the address."""
    return bool(await fetch(OWNED_BY_ANOTHER, *email_keys(address), owner_id))


def _message(row: Row, token: LinkToken, settings: Settings) -> MessageContent:
    kind = MailKind(row["kind"])
    path = LINK_PATHS.get(kind)
    return render_message(
        kind.name.lower(),
        f"{settings.base_url}/{path}?token={token.text}" if path else None,
        username=row["username"],
        good_until=row["expires_at"]
        and f"{row['expires_at']:%H:%M} UTC on {_day(row['expires_at'])}",
        deletion_day=row["deletion_at"] and not row["is_due"] and _day(row["deletion_at"]),
    )


def _day(moment: datetime) -> str:
    return f"{moment:%-d %B %Y}"
