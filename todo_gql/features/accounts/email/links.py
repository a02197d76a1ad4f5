"""The links in mails to accounts: finding, using and voiding them.

An account has at most one valid link of each kind, the newest. One that a session asked for is valid
only while that session is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

from tortoise.transactions import in_transaction

from todo_gql.api.login_identifiers import mailbox_key
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.models import MailKind, User
from todo_gql.features.accounts.account import locked_account
from todo_gql.mail.link_tokens import LinkToken
from todo_gql.security.authentication import SESSION_IS_OPEN, Viewer
from todo_gql.settings import Settings

# Checked when the link is used, since a session can end in many ways, such as by expiring.
SESSION_IS_ACTIVE = f"""
(m.session_id IS NULL OR EXISTS (SELECT FROM sessions s WHERE s.owner_id = $1
    AND s.id = m.session_id AND {SESSION_IS_OPEN}))
"""
IS_OPEN = f"""
u.id = m.owner_id AND m.owner_id = $1 AND m.id = $2 AND m.link_hash = $3
    AND m.kind = $4 AND m.used_at IS NULL AND m.expires_at > now() AND {SESSION_IS_ACTIVE}
    AND u.is_active
    AND (u.deletion_at IS NULL OR u.deletion_at > now())
"""
FIND = f"SELECT m.address, u.email FROM mails m, users u WHERE {IS_OPEN}"
USE = f"UPDATE mails m SET used_at = now() FROM users u WHERE {IS_OPEN} RETURNING m.id"
VOID = (
    "UPDATE mails SET used_at = now() WHERE owner_id = $1 AND kind = coalesce($2, kind)"
    " AND id IS DISTINCT FROM $3 AND used_at IS NULL AND link_hash IS NOT NULL"
)


class OpenLink(NamedTuple):
    """A valid link: its token, its kind, and the address it was sent to."""

    token: LinkToken
    kind: MailKind
    address: str

    def is_usable_for(self, email: str) -> bool:
        """Whether the link's address is the account's, or is to become it."""
        return self.kind is MailKind.EMAIL_CHANGE or mailbox_key(self.address) == mailbox_key(email)


async def find_link(
    text: str, kind: MailKind, viewer: Viewer | None, settings: Settings
) -> OpenLink | None:
    """The valid link of a kind that a token belongs to; it stays unused.

    None for a token that is forged, expired, used, void or of another kind, whose address is no longer
    the account's, or that belongs to another user than the viewer.
    """
    token = LinkToken.parse(text, settings)
    if token is None or (viewer and viewer.id != token.owner_id):
        return None
    row = await fetchrow(FIND, token.owner_id, token.mail_id, token.digest, kind)
    link = OpenLink(token, kind, row["address"]) if row else None
    return link if link and row and link.is_usable_for(row["email"]) else None


@asynccontextmanager
async def using(link: OpenLink) -> AsyncIterator[User | None]:
    """Use a link: yields its account, locked, in a transaction that marks the link as used.

    Yields None if the link isn't valid any more, such as after a concurrent use.
    """
    async with in_transaction():
        account = await locked_account(link.token.owner_id)
        yield account if account and await _use(link, account) else None


async def _use(link: OpenLink, account: User) -> bool:
    token, kind = link.token, link.kind
    return link.is_usable_for(account.email) and bool(
        await fetch(USE, token.owner_id, token.mail_id, token.digest, kind)
    )


async def void_links(
    owner_id: UUID, kind: MailKind | None = None, *, but: UUID | None = None
) -> None:
    """Void all links of an account, or those of a kind, but the one in the mail `but`."""
    await fetch(VOID, owner_id, kind, but)
