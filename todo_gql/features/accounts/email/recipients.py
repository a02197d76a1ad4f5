"""How many mails a recipient is sent within an hour, whichever accounts cause them.

An account is made with any address, so what goes to one that isn't proven may go to somebody who
never asked. Nobody who asks learns whether others did: a mail too many is posted like any other, and
only never sent.
"""

import hmac
from typing import NamedTuple

from todo_gql.api.login_identifiers import mailbox_key, recipient_key
from todo_gql.database.connection import fetch
from todo_gql.database.models import User
from todo_gql.features.accounts.lookup import MAILBOX
from todo_gql.security.key_derivation import derived_key
from todo_gql.settings import Settings

# Two accounts can't both cause the last mail that a recipient may be sent.
LOCK = f"""
SELECT pg_advisory_xact_lock($1), EXISTS (SELECT FROM users WHERE {MAILBOX} = ANY($2::text[])
    AND id <> $3 AND email_verified_at IS NOT NULL) AS has_owner
"""


class Share(NamedTuple):
    """What a mail is counted by, which mails count with it, and how many there may be of these.

    Without any of it the mail isn't counted.
    """

    recipient_hash: bytes | None = None
    together: list[bytes] | None = None
    most: int | None = None


async def share(
    account: User, address: str, settings: Settings, *, has_link: bool, is_proven: bool
) -> Share:
    """What a mail of an account to an address is counted by, in a transaction that holds its lock.

    A notice to an address that the account has proven isn't counted, and links to it only with each
    other, so that strangers' mails keep none of its own from its owner. Of the mails to somebody who
    has a proven account, strangers are left what their own links don't need.
    """
    if is_proven and not has_link:
        return Share()
    own, others, notices = (_hashed(whose, address, settings) for whose in ("own", "", "notices"))
    mailboxes = [mailbox_key(address), recipient_key(address)]
    lock = int.from_bytes(others[:8], signed=True)
    [row] = await fetch(LOCK, lock, mailboxes, account.id)
    most = settings.mails_per_recipient
    if not has_link:
        return Share(notices, [notices], max(most, settings.mails_per_hour))
    if is_proven:
        return Share(own, [own], most)
    if row["has_owner"]:
        most = max(1, most - settings.mails_per_hour)
    return Share(others, [own, others], most)


def _hashed(whose: str, address: str, settings: Settings) -> bytes:
    counted = f"{whose} {recipient_key(address)}".encode("utf-8", "surrogatepass")
    return hmac.digest(derived_key(settings, "mail recipients"), counted, "sha256")
