"""How a person wants to be notified: of which kinds by what, and when not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from todo_gql.api.time_zones import time_zone
from todo_gql.database.connection import Values, fetch
from todo_gql.database.models import NotificationKind
from todo_gql.inbox.quiet_hours import QuietWindow, after_quiet_hours

EVERY_DAY: Final = (1, 2, 3, 4, 5, 6, 7)
PUSHED_BY_DEFAULT: Final = frozenset(
    {
        NotificationKind.REMINDER,
        NotificationKind.ASSIGNED,
        NotificationKind.MENTIONED,
        NotificationKind.INVITED,
        NotificationKind.SECURITY,
    }
)
PREFERENCE_COLUMNS: Final = "u.time_zone, p.kinds, p.quiet_hours, p.digest_at, p.digest_days"
"""SQL for what `Preferences.of_row` reads of the account `u` and its preferences `p`, if any."""

SELECT: Final = f"""
SELECT {PREFERENCE_COLUMNS} FROM users u
    LEFT JOIN notification_preferences p ON p.owner_id = u.id WHERE u.id = $1
"""


class Channels(NamedTuple):
    """Whether a person is notified of a kind by mail and by push, besides in the inbox."""

    email: bool
    push: bool


@dataclass(frozen=True, slots=True)
class Preferences:
    """A person's preferences, and the zone that their hours are in.

    `kinds` are those that differ from the defaults, by the name of the kind.
    """

    kinds: Mapping[str, Mapping[str, bool]]
    quiet_windows: tuple[QuietWindow, ...]
    digest_at: time | None
    digest_days: tuple[int, ...]
    zone: ZoneInfo

    @classmethod
    def of_row(cls, row: Values) -> "Preferences":
        """The preferences in `PREFERENCE_COLUMNS`, which are null where nothing is stored."""
        return cls(
            orjson.loads(row["kinds"] or "{}"),
            tuple(map(window_of, orjson.loads(row["quiet_hours"] or "[]"))),
            time.fromisoformat(row["digest_at"]) if row["digest_at"] else None,
            EVERY_DAY if row["digest_days"] is None else tuple(orjson.loads(row["digest_days"])),
            time_zone(row["time_zone"]),
        )

    def channels(self, kind: int) -> Channels:
        """How the person is notified of a kind; SECURITY can't be switched off."""
        if kind == NotificationKind.SECURITY:
            return Channels(email=True, push=True)
        chosen = self.kinds.get(NotificationKind(kind).name, {})
        return Channels(chosen.get("email", True), chosen.get("push", kind in PUSHED_BY_DEFAULT))

    def after_quiet_hours(self, kind: int, moment: datetime) -> datetime | None:
        """When to send what would be sent at a moment; None if it is always quiet."""
        if kind == NotificationKind.SECURITY or not self.quiet_windows:
            return moment
        return after_quiet_hours(moment, self.quiet_windows, self.zone)

    def next_digest_after(self, moment: datetime) -> datetime | None:
        """When the first digest after a moment is due; None without a digest.

        Where clocks skip the time of day it is later, and where they show it twice it is the first time.
        """
        if self.digest_at is None or not self.digest_days:
            return None
        today = moment.astimezone(self.zone).date()
        # A week from a day on which today's digest was sent is the last that may be next.
        for day in (today + timedelta(days=number) for number in range(8)):
            due = datetime.combine(day, self.digest_at, self.zone).astimezone(UTC)
            if day.isoweekday() in self.digest_days and due > moment:
                return due
        return None


def window_of(stored: Mapping[str, Any]) -> QuietWindow:
    """A window as it is stored."""
    return QuietWindow(
        stored["weekday"], time.fromisoformat(stored["from"]), time.fromisoformat(stored["to"])
    )


async def preferences_of(owner_id: UUID) -> Preferences:
    """An account's preferences; the defaults if the account is gone. Raises what `fetch` raises."""
    rows = await fetch(SELECT, owner_id)
    return Preferences.of_row(rows[0]) if rows else DEFAULTS


DEFAULTS: Final = Preferences({}, (), None, EVERY_DAY, time_zone(None))
