"""What clients send about how they are notified, and how it is checked."""

import re
from collections.abc import Sequence
from typing import Any, Final

import strawberry
from strawberry import UNSET, Maybe

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.features.notifications.enums import KINDS, NotificationKind
from todo_gql.features.todos.inputs import unset_to_none

TIME_OF_DAY: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
MAX_WINDOWS: Final = 28
DAYS: Final = range(1, 8)


@strawberry.input(description="The switches of a kind; absent and null leave them as they are.")
class NotificationPreferenceInput:
    """The switches of one kind."""

    kind: NotificationKind = strawberry.field(description="The kind, once in the list.")
    email: bool | None = strawberry.field(default=UNSET, description="Whether by e-mail.")
    push: bool | None = strawberry.field(default=UNSET, description="Whether by push.")


@strawberry.input(description="A window of the week in which nothing is mailed or pushed.")
class QuietHoursInput:
    """A window by the wall clock of the viewer's time zone."""

    weekday: int = strawberry.field(
        description="The day on which it begins, from 1 for Monday to 7 for Sunday."
    )
    start: str = strawberry.field(name="from", description="When it begins, as HH:MM.")
    end: str = strawberry.field(
        name="to",
        description="When it ends, as HH:MM: on the next day unless it is later than `from`. With both "
        "equal, it is 24 hours long.",
    )


@strawberry.input(description="What to change: absent leaves as it is, null clears.")
class NotificationPreferencesInput:
    """The new values of preferences."""

    kinds: Maybe[list[NotificationPreferenceInput] | None] = strawberry.field(
        description="The kinds to change; null sets all of them back to their defaults."
    )
    quiet_hours: Maybe[list[QuietHoursInput] | None] = strawberry.field(
        description=f"At most {MAX_WINDOWS} windows, which replace all that there are."
    )
    digest_at: Maybe[str | None] = strawberry.field(
        description="The time of day of the digest, as HH:MM; null for no digest."
    )
    digest_days: Maybe[list[int] | None] = strawberry.field(
        description="The days of the digest, from 1 for Monday to 7 for Sunday; null for every day."
    )


def read_preferences(
    sent: NotificationPreferencesInput, kinds: dict[str, dict[str, bool]]
) -> tuple[dict[str, Any], list[UserError]]:
    """The values to store by column, and their problems; `kinds` are the stored ones."""
    values: dict[str, Any] = {}
    problems: list[UserError] = []
    if sent.kinds is not None:
        values["kinds"] = _read_kinds(sent.kinds.value, kinds, problems)
    if sent.quiet_hours is not None:
        values["quiet_hours"] = _read_windows(sent.quiet_hours.value or [], problems)
    if sent.digest_at is not None:
        values["digest_at"] = _read_time(sent.digest_at.value, problems, "input", "digestAt")
    if sent.digest_days is not None:
        values["digest_days"] = _read_days(sent.digest_days.value, problems)
    return values, problems


def _read_kinds(
    sent: Sequence[NotificationPreferenceInput] | None,
    stored: dict[str, dict[str, bool]],
    problems: list[UserError],
) -> dict[str, dict[str, bool]]:
    if sent is None:
        return {}
    if len(sent) > len(KINDS):
        problems.append(_too_many(len(KINDS), "kinds"))
        return {}
    names, seen = {name: dict(switches) for name, switches in stored.items()}, set[str]()
    for number, one in enumerate(sent):
        path, name = ("input", "kinds", str(number)), one.kind.name
        if name in seen:
            problems.append(_repeated(*path, "kind"))
        seen.add(name)
        for switch in ("email", "push"):
            is_on = unset_to_none(getattr(one, switch))
            if is_on is False and one.kind is NotificationKind.SECURITY:
                message = "SECURITY can't be switched off."
                problems.append(invalid(ErrorCode.INVALID, message, *path, switch))
            if is_on is not None:
                names.setdefault(name, {})[switch] = is_on
    return names


def _read_windows(
    sent: Sequence[QuietHoursInput], problems: list[UserError]
) -> list[dict[str, Any]]:
    if len(sent) > MAX_WINDOWS:
        problems.append(_too_many(MAX_WINDOWS, "quietHours"))
        return []
    windows = []
    for number, window in enumerate(sent):
        path = ("input", "quietHours", str(number))
        if window.weekday not in DAYS:
            problems.append(_no_day(*path, "weekday"))
        start = _read_time(window.start, problems, *path, "from")
        end = _read_time(window.end, problems, *path, "to")
        windows.append({"weekday": window.weekday, "from": start, "to": end})
    return windows


def _read_days(sent: Sequence[int] | None, problems: list[UserError]) -> list[int]:
    if sent is None:
        return list(DAYS)
    if len(sent) > len(DAYS):
        problems.append(_too_many(len(DAYS), "digestDays"))
        return []
    for number, day in enumerate(sent):
        path = ("input", "digestDays", str(number))
        if day not in DAYS:
            problems.append(_no_day(*path))
        elif day in sent[:number]:
            problems.append(_repeated(*path))
    return sorted(sent)


def _read_time(text: str | None, problems: list[UserError], *path: str) -> str | None:
    if text is not None and not TIME_OF_DAY.fullmatch(text):
        problems.append(invalid(ErrorCode.INVALID, "A time of day, such as 07:30.", *path))
    return text


def _no_day(*path: str) -> UserError:
    message = "A day of the week, from 1 for Monday to 7 for Sunday."
    return invalid(ErrorCode.OUT_OF_RANGE, message, *path)


def _repeated(*path: str) -> UserError:
    return invalid(ErrorCode.INVALID, "This is in the list more than once.", *path)


def _too_many(most: int, name: str) -> UserError:
    return invalid(ErrorCode.TOO_MANY, f"At most {most}.", "input", name)
