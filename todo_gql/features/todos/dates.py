"""What days and moments of a todo follow from those that are sent, and which go together.

A todo is due at a moment or on a day, and starts in the same way. The zone of its moment says on which
day that is.
"""

from datetime import date
from typing import Final, NamedTuple

from strawberry.utils.str_converters import to_camel_case

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.time_zones import LocalClock, day_of, time_zone_names
from todo_gql.features.todos.state import DATES, SCHEDULE_NAMES, TodoEdit, TodoState
from todo_gql.reminder_times.moments import DATE_COLUMNS

# A moment, and the day in place of it.
PAIRS: Final = (("due_at", "due_date"), ("start_at", "start_date"))
# Whoever sends several of them is shown the last one.
IN_ORDER: Final = tuple(reversed(DATE_COLUMNS))


class DateProblem(NamedTuple):
    """What is wrong with a field, by its attribute."""

    name: str
    message: str

    def at(self, *path: str) -> UserError:
        """The error of an input at a path."""
        return invalid(ErrorCode.INVALID, self.message, *path, to_camel_case(self.name))


def exclusive_problems(edit: TodoEdit, *path: str) -> list[UserError]:
    """That an input has both a moment and a day."""
    return [
        DateProblem(
            day,
            f"Send {to_camel_case(moment)} or {to_camel_case(day)}: it is a moment or a whole day.",
        ).at(*path)
        for moment, day in PAIRS
        if edit.get(moment) is not None and edit.get(day) is not None
    ]


def has_dates(edit: TodoEdit) -> bool:
    """Whether an edit sets any of the days and moments, or how the todo repeats."""
    return not edit.keys().isdisjoint(SCHEDULE_NAMES)


def needs_time_zone(edit: TodoEdit) -> bool:
    """Whether the zone of its writer matters to a new todo: to its day, or as that of its moment."""
    if "due_date" in edit or "recurrence" in edit:
        return True
    return "due_at" in edit and "due_time_zone" not in edit


def completed_edit(edit: TodoEdit, stored: TodoState | None, clock: LocalClock) -> TodoEdit:
    """An edit of a todo, or of a new one, with what follows from it.

    A moment clears the day and a day the moment; without a moment it has no zone, and a new moment gets
    that of the writer's clock.
    """
    edit = dict(edit)
    for moment, day in PAIRS:
        if edit.get(moment) is not None:
            edit[day] = None
        elif edit.get(day) is not None:
            edit[moment] = None
    before = stored.due_at if stored else None
    due_at = edit.get("due_at", before)
    if due_at is None:
        edit.setdefault("due_time_zone", None)
    elif "due_time_zone" not in edit and due_at != before:
        zone = stored.due_time_zone if stored else None
        own = clock.zone_name if clock.zone_name in time_zone_names() else None
        edit["due_time_zone"] = zone or own
    return edit


def date_problem(
    edit: TodoEdit, before: TodoState | None, after: TodoState, clock: LocalClock
) -> DateProblem | None:
    """What is wrong with the dates of a todo after an edit that changes them, if anything is."""
    if before and DATES(before) == DATES(after):
        return None
    if after.due_time_zone and after.due_at is None:
        message = "dueTimeZone is the zone of dueAt: set that, too, or leave this out."
        return DateProblem("due_time_zone", message)
    if not _starts_after_due(after, clock):
        return None
    sent = [name for name in IN_ORDER if name in edit]
    name = next((name for name in sent if edit[name] is not None), sent[0])
    return DateProblem(name, "The start is after the due date. Choose an earlier start.")


def _starts_after_due(todo: TodoState, clock: LocalClock) -> bool:
    """Whether it starts at a later moment than it is due, or on a later day if either is a day."""
    if todo.start_at and todo.due_at:
        return todo.start_at > todo.due_at
    first = start_day(todo, clock)
    return bool(first and todo.due_on and first > todo.due_on)


def start_day(todo: TodoState, clock: LocalClock) -> date | None:
    """The day that it starts on, beside days that it may be due on.

    Those have no zone: the one of the writer says which day a moment is.
    """
    return day_of(todo.start_at, clock.zone) if todo.start_at else todo.start_date
