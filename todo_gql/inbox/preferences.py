"""How a person wants to be notified: by which kinds, and when not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from todo_gql.api.time_zones import time_zone
from todo_gql.database.connection import Values
from todo_gql.database.models import NotificationKind
from todo_gql.inbox.quiet_hours import QuietWindow, after_quiet_hours

PUSHED_BY_DEFAULT: Final = frozenset(
    {
        NotificationKind.REMINDER,
        NotificationKind.ASSIGNED,
        NotificationKind.MENTIONED,
        NotificationKind.INVITED,
        NotificationKind.SECURITY,
    }
)


class Channels(NamedTuple):
    """Whether a person is notified of a kind by mail and by push, besides in the inbox."""

    email: bool
    push: bool


@dataclass(frozen=True, slots=True)
class Preferences:
    """A person's preferences, and the zone that their quiet hours are in.

    `kinds` are those that differ from the defaults, by the name of the kind.
    """

    kinds: Mapping[str, Mapping[str, bool]]
    quiet_windows: tuple[QuietWindow, ...]
    zone: ZoneInfo

    @classmethod
    def of_row(cls, row: Values) -> "Preferences":
        """The preferences in `kinds`, `quiet_hours` and `time_zone`, which are null by default."""
        return cls(
            orjson.loads(row["kinds"]) if row["kinds"] else {},
            tuple(map(window_of, orjson.loads(row["quiet_hours"]) if row["quiet_hours"] else ())),
            time_zone(row["time_zone"]),
        )

    def channels(self, kind: NotificationKind) -> Channels:
        """How the person is notified of a kind; SECURITY can't be switched off."""
        if kind is NotificationKind.SECURITY:
            return Channels(email=True, push=True)
        chosen = self.kinds.get(kind.name, {})
        return Channels(chosen.get("email", True), chosen.get("push", kind in PUSHED_BY_DEFAULT))

    def after_quiet_hours(self, kind: NotificationKind, moment: datetime) -> datetime | None:
        """When to send what would be sent at a moment; None if it is always quiet."""
        if kind is NotificationKind.SECURITY or not self.quiet_windows:
            return moment
        return after_quiet_hours(moment, self.quiet_windows, self.zone)


def window_of(stored: Mapping[str, Any]) -> QuietWindow:
    """A window as it is stored."""
    return QuietWindow(
        stored["weekday"], time.fromisoformat(stored["from"]), time.fromisoformat(stored["to"])
    )
