"""How a person is notified, as the schema shows it."""

from typing import Any

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.features.notifications.enums import KINDS, NotificationKind
from todo_gql.inbox.preferences import Preferences, preferences_of
from todo_gql.operation.context import Context


@strawberry.type(description="Whether a person is notified of a kind besides in the inbox.")
class NotificationPreference:
    """The switches of one kind."""

    kind: NotificationKind = strawberry.field(description="The kind.")
    email: bool = strawberry.field(description="Whether by e-mail.")
    push: bool = strawberry.field(
        description="Whether by push to the browsers that they subscribed."
    )


@strawberry.type(
    description="A window of the week in which nothing is mailed or pushed; what falls into it comes at "
    "its end."
)
class QuietHours:
    """A window by the wall clock of the person's time zone."""

    weekday: int = strawberry.field(
        description="The day on which it begins, from 1 for Monday to 7 for Sunday."
    )
    start: str = strawberry.field(name="from", description="When it begins, as HH:MM.")
    end: str = strawberry.field(
        name="to",
        description="When it ends, as HH:MM: on the next day unless it is later than `from`.",
    )


@strawberry.type(description="How a person is notified.")
class NotificationPreferences:
    """A person's preferences."""

    kinds: list[NotificationPreference] = strawberry.field(description="Every kind.")
    quiet_hours: list[QuietHours] = strawberry.field(
        description="When nothing is mailed or pushed, in the person's time zone."
    )
    digest_at: str | None = strawberry.field(
        description="The time of day, as HH:MM, at which what is unread is mailed; null for no digest."
    )
    digest_days: list[int] = strawberry.field(
        description="The days of the digest, from 1 for Monday to 7 for Sunday."
    )

    @classmethod
    def of(cls, preferences: Preferences) -> "NotificationPreferences":
        """The stored preferences."""
        return cls(
            kinds=[
                NotificationPreference(kind=kind, **preferences.channels(number)._asdict())
                for number, kind in enumerate(KINDS)
            ],
            quiet_hours=[
                QuietHours(
                    weekday=window.weekday, start=f"{window.start:%H:%M}", end=f"{window.end:%H:%M}"
                )
                for window in preferences.quiet_windows
            ],
            digest_at=f"{preferences.digest_at:%H:%M}" if preferences.digest_at else None,
            digest_days=list(preferences.digest_days),
        )


@strawberry.type(description="What became of preferences.")
class NotificationPreferencesPayload:
    """The answer of the mutation."""

    preferences: NotificationPreferences | None = strawberry.field(
        description="The preferences as they are now; null if there are errors.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )


async def stored_preferences(context: Context) -> NotificationPreferences:
    """The viewer's preferences; raises `Unauthenticated`, and what `fetch` raises."""
    viewer: Any = context.signed_in()
    return NotificationPreferences.of(await preferences_of(viewer.id))
