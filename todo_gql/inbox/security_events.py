"""What of an account's security its owner is notified of; the source of an entry names it."""

from enum import Enum
from uuid import UUID, uuid4

from todo_gql.database.connection import acquire
from todo_gql.database.models import NotificationKind
from todo_gql.inbox.entries import Entry, enter


class SecurityEvent(Enum):
    """What happened, by the word that is stored, with the words that are shown."""

    PASSWORD_CHANGED = "Your password was changed."  # noqa: S105 - no password
    EMAIL_CHANGE_REQUESTED = "Somebody asked to change your e-mail address."
    EMAIL_CHANGED = "Your e-mail address was changed."
    ACCOUNT_DELETION = "Your account is going to be deleted."
    API_TOKEN_CREATED = "An API token was made for your account."  # noqa: S105 - no token


def security_text(kind: int, source: str) -> str | None:
    """What to show for an entry; None if it is of another kind, or a newer release's."""
    word = source.partition(" ")[0].upper()
    is_known = kind == NotificationKind.SECURITY and word in SecurityEvent.__members__
    return SecurityEvent[word].value if is_known else None


async def enter_security_event(owner_id: UUID, event: SecurityEvent) -> None:
    """Notify somebody of what happened, in Tortoise's transaction that is open; raises what it does."""
    source = f"{event.name.lower()} {uuid4()}"
    entry = Entry(owner_id, NotificationKind.SECURITY, source, owner_id, None, None)
    async with acquire() as connection:
        await enter(connection, [entry])
