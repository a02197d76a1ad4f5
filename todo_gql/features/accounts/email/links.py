"""The links in mails to accounts: finding, using and voiding them.

Of each kind an account has one good link at most, the newest, and a link that a session asked for
is good only while somebody is signed in by that session.
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
from todo_gql.security.authentication import Viewer
from todo_gql.settings import Settings

# Looked up rather than noted when a session ends, since it ends in many ways, and by expiring too.
ASKER_IS_SIGNED_IN = """
(m.session_id IS NULL OR EXISTS (SELECT FROM sessions s WHERE s.owner_id = $1
    AND s.id = m.session_id AND s.ended_at IS NULL AND s.expires_at > now()))
"""
IS_OPEN = f"""
u.id = m.owner_id AND m.owner_id = $1 AND m.id = $2 AND m.link_hash = $3
    AND m.kind = $4 AND m.used_at IS NULL AND m.expires_at > now() AND {ASKER_IS_SIGNED_IN}
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
    """A link that is still good: whose it is, what for, and where it was sent."""

    token: LinkToken
    kind: MailKind
    address: str

    def proves_something(self, email: str) -> bool:
        """Whether the address is the account's, or is to become so."""
        return self.kind is MailKind.EMAIL_CHANGE or mailbox_key(self.address) == mailbox_key(email)


async def find_link(
    text: str, kind: MailKind, viewer: Viewer | None, settings: Settings
) -> OpenLink | None:
    """The link of a kind that a token opens, which stays unused.

    None for a token that is forged, expired, used, void, of another kind, to an address that isn't
    the account's any more, or of somebody else than the viewer who brings it.
    """
    token = LinkToken.parse(text, settings)
    if token is None or (viewer and viewer.id != token.owner_id):
        return None
    row = await fetchrow(FIND, token.owner_id, token.mail_id, token.digest, kind)
    link = OpenLink(token, kind, row["address"]) if row else None
    return link if link and row and link.proves_something(row["email"]) else None


@asynccontextmanager
async def using(link: OpenLink) -> AsyncIterator[User | None]:
    """The account, locked, in the transaction of what the link is for, which uses it up.

    None if the link is no good any more, as when somebody else was faster.
    """
    async with in_transaction():
        account = await locked_account(link.token.owner_id)
        yield account if account and await _use(link, account) else None


async def _use(link: OpenLink, account: User) -> bool:
    token, kind = link.token, link.kind
    return link.proves_something(account.email) and bool(
        await fetch(USE, token.owner_id, token.mail_id, token.digest, kind)
    )


async def void_links(
    owner_id: UUID, kind: MailKind | None = None, *, but: UUID | None = None
) -> None:
    """Let no link that the account was sent, or none of a kind, be good any more.

    The link of the mail `but` is left as it is.
    """
    await fetch(VOID, owner_id, kind, but)
