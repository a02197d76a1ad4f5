"""Reminders as people ask for them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import strawberry
from strawberry import Maybe

from todo_gql.api.durations import Duration
from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.features.todos.enums import TodoAnchor
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.validators import enum_number
from todo_gql.reminder_times.moments import next_firing

MAX_REMINDERS: Final = 10
MAX_OFFSET: Final = timedelta(days=3_660)


@strawberry.input(description="A moment that follows from when the todo is due or starts.")
class RelativeReminderInput:
    """An offset from an anchor."""

    anchor: TodoAnchor = strawberry.field(
        default=TodoAnchor.DUE, description="What it is relative to."
    )
    offset: Duration = strawberry.field(
        description="From the anchor on, negative before it; at most ten years. Of a day the anchor is its "
        "first moment in the person's time zone: PT9H is 9:00 on that day, -PT15H is 9:00 the day before."
    )


@strawberry.input(one_of=True, description="When to be reminded: at a moment, or relative to one.")
class ReminderInput:
    """Exactly one of these."""

    at: Maybe[datetime] = strawberry.field(description="A moment in the future.")
    relative: Maybe[RelativeReminderInput] = strawberry.field(
        description="Relative to when the todo is due or starts, and moves with that. A moment that has "
        "passed already doesn't fire."
    )


class ReminderDraft(NamedTuple):
    """What a reminder is to be: absolute, or relative to an anchor."""

    at: datetime | None
    anchor: int | None = None
    offset: Duration | None = None

    @property
    def stored_offset(self) -> str | None:
        """The offset in its canonical form."""
        return str(self.offset) if self.offset else None

    def fires_at(
        self, todo: TodoState, zone: str | None, now: datetime, pending: datetime | None = None
    ) -> datetime | None:
        """When it fires for a person with this zone; None if it doesn't.

        One that was to fire at the moment `pending`, and is late only because no worker ran, still does.
        """
        if self.anchor is None or self.offset is None:
            return self.at
        moment = todo.dates.moment(self.anchor, self.offset, zone)
        return next_firing(moment, now, pending=pending)


def read_reminder(
    sent: ReminderInput, now: datetime, *path: str
) -> tuple[ReminderDraft, list[UserError]]:
    """The reminder of an input, and its problems."""
    if sent.at:
        message = "A moment in the future, please: this one has passed."
        has_passed = sent.at.value <= now
        return ReminderDraft(sent.at.value), (
            [invalid(ErrorCode.INVALID, message, *path, "at")] if has_passed else []
        )
    assert sent.relative
    relative, problems = sent.relative.value, list[UserError]()
    anchor = enum_number(relative.anchor, problems)
    if _is_too_far(relative.offset):
        message = f"At most {MAX_OFFSET.days:,} days before or after the anchor."
        problems.append(invalid(ErrorCode.OUT_OF_RANGE, message, *path, "relative", "offset"))
    return ReminderDraft(None, anchor, relative.offset), problems


def _is_too_far(offset: Duration) -> bool:
    try:
        return abs(offset.total) > MAX_OFFSET
    except OverflowError:
        return True


def read_reminders(
    sent: Sequence[ReminderInput], now: datetime, *path: str
) -> tuple[list[ReminderDraft], list[UserError]]:
    """The reminders of a new todo, and their problems."""
    if len(sent) > MAX_REMINDERS:
        message = f"At most {MAX_REMINDERS} reminders, not {len(sent)}."
        return [], [invalid(ErrorCode.TOO_MANY, message, *path)]
    read = [read_reminder(one, now, *path, str(index)) for index, one in enumerate(sent)]
    return [draft for draft, _ in read], [problem for _, more in read for problem in more]
