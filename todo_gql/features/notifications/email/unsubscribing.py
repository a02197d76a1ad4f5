"""The links that unsubscribe from mails of notifications, with one click (RFC 8058)."""

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

import orjson

from todo_gql.database.connection import transaction
from todo_gql.database.models import NotificationKind
from todo_gql.database.retry import retried
from todo_gql.inbox.preference_writes import locked_preferences, store_preferences
from todo_gql.security.base64url import encoded
from todo_gql.security.key_derivation import derived_key
from todo_gql.settings import Settings

UNSUBSCRIBE_PATH: Final = "unsubscribe"
"""The path of the links below PUBLIC_URL."""

TOKEN: Final = re.compile("[A-Za-z0-9_-]{67}")
ID_BYTES, SCOPE_BYTES = 16, 2
DIGEST_BIT: Final = 1 << 15


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """Of which mails somebody is to get no more: those of some kinds, or the digest.

    Its token is signed with the server's key, and so needs no row; it is valid for ever.
    """

    owner_id: UUID
    kinds: frozenset[NotificationKind] = frozenset()
    is_of_digest: bool = False

    @classmethod
    def of(cls, owner_id: UUID, kinds: Iterable[int]) -> Self:
        """From the mails of these kinds, but for SECURITY."""
        chosen = {NotificationKind(kind) for kind in kinds} - {NotificationKind.SECURITY}
        return cls(owner_id, frozenset(chosen))

    @classmethod
    def parse(cls, text: str, settings: Settings) -> Self | None:
        """What a token stands for; None unless this server's key signed it."""
        if not TOKEN.fullmatch(text):
            return None
        content = base64.urlsafe_b64decode(text + "=")
        scope = int.from_bytes(content[ID_BYTES : ID_BYTES + SCOPE_BYTES])
        kinds = frozenset(kind for kind in NotificationKind if scope >> kind & 1)
        parsed = cls(UUID(bytes=content[:ID_BYTES]), kinds, bool(scope & DIGEST_BIT))
        return parsed if hmac.compare_digest(parsed.token(settings), text) else None

    def token(self, settings: Settings) -> str:
        """The token in the link, 67 characters of URL-safe base64."""
        scope = sum(1 << kind for kind in self.kinds) | DIGEST_BIT * self.is_of_digest
        content = self.owner_id.bytes + scope.to_bytes(SCOPE_BYTES)
        signature = hmac.digest(derived_key(settings, "unsubscribe links"), content, "sha256")
        return encoded(content + signature)

    def link(self, settings: Settings) -> str:
        """The address that unsubscribes."""
        return f"{settings.base_url}/{UNSUBSCRIBE_PATH}?token={self.token(settings)}"

    @property
    def words(self) -> str:
        """Of what there will be no more mails."""
        if self.is_of_digest:
            return "your digest"
        names = sorted(KIND_WORDS[kind] for kind in self.kinds)
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


KIND_WORDS: Final = {
    NotificationKind.ASSIGNED: "assignments",
    NotificationKind.MENTIONED: "mentions",
    NotificationKind.COMMENTED: "comments",
    NotificationKind.COMPLETED: "completed todos",
    NotificationKind.REMINDER: "reminders",
    NotificationKind.INVITED: "invitations",
    NotificationKind.MEMBERSHIP: "members of lists",
    NotificationKind.JOB: "jobs that have ended",
}


@retried
async def unsubscribe(chosen: Unsubscription) -> bool:
    """Send no more of these mails; False if the account is gone. Again has no further effect."""
    async with transaction() as connection:
        row = await locked_preferences(connection, chosen.owner_id)
        if row is None:
            return False
        kinds = orjson.loads(row["kinds"])
        for kind in chosen.kinds:
            kinds[kind.name] = kinds.get(kind.name, {}) | {"email": False}
        values = {"kinds": kinds} | ({"digest_at": None} if chosen.is_of_digest else {})
        await store_preferences(connection, row, values)
    return True
