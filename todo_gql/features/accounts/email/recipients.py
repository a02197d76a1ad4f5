"""The limit of mails per recipient and hour, whichever accounts cause them.

Anybody can sign up with any address, so mails to an address that isn't proven may go to somebody who
never asked for them. Nobody learns whether others asked: a mail above the limit is stored like any
other, but never sent.
"""

import hmac
from typing import NamedTuple

from todo_gql.api.login_identifiers import mailbox_key, recipient_key
from todo_gql.database.connection import fetch
from todo_gql.database.models import User
from todo_gql.features.accounts.lookup import MAILBOX
from todo_gql.security.key_derivation import derived_key
from todo_gql.settings import Settings

# Under a lock per recipient, so that two accounts can't both cause the last mail that is allowed.
LOCK = f"""
SELECT pg_advisory_xact_lock($1), EXISTS (SELECT FROM users WHERE {MAILBOX} = ANY($2::text[])
    AND id <> $3 AND email_verified_at IS NOT NULL) AS has_owner
"""


class RecipientLimit(NamedTuple):
    """The hash that a mail is counted by, the hashes that are counted with it, and their limit.

    All None for a mail without a limit.
    """

    recipient_hash: bytes | None = None
    counted_hashes: list[bytes] | None = None
    limit: int | None = None


async def recipient_limit(
    account: User, address: str, settings: Settings, *, has_link: bool, is_proven: bool
) -> RecipientLimit:
    """The limit of a mail of an account to an address, in a transaction that holds its lock.

    A notice to an address that the account has proven has none, and links to it are counted only with
    each other, so that strangers' mails can't keep its own from the owner. Where another account has
    proven the address, strangers may use only what its own links don't need.
    """
    if is_proven and not has_link:
        return RecipientLimit()
    own, others, notices = (_hashed(whose, address, settings) for whose in ("own", "", "notices"))
    mailboxes = [mailbox_key(address), recipient_key(address)]
    lock = int.from_bytes(others[:8], signed=True)
    [row] = await fetch(LOCK, lock, mailboxes, account.id)
    most = settings.mails_per_recipient
    if not has_link:
        return RecipientLimit(notices, [notices], max(most, settings.mails_per_hour))
    if is_proven:
        return RecipientLimit(own, [own], most)
    if row["has_owner"]:
        most = max(1, most - settings.mails_per_hour)
    return RecipientLimit(others, [own, others], most)


def _hashed(whose: str, address: str, settings: Settings) -> bytes:
    counted = f"{whose} {recipient_key(address)}".encode("utf-8", "surrogatepass")
    return hmac.digest(derived_key(settings, "mail recipients"), counted, "sha256")
