"""Repeating todos: what is stored of a recurrence, and the step to the next occurrence."""

from datetime import date, datetime
from typing import NamedTuple

import orjson
from uuid_utils.compat import uuid7

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.text import Problem
from todo_gql.api.time_zones import LocalClock, TimeZoneName
from todo_gql.database.models import Status
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.dates import start_day
from todo_gql.features.todos.recurrence_types import SentRecurrence
from todo_gql.features.todos.state import TodoEdit, TodoState, sorted_json
from todo_gql.recurrence.normalization import begin, resumed
from todo_gql.recurrence.recurrences import Recurrence, moved_start
from todo_gql.recurrence.rules import RuleError
from todo_gql.recurrence.series import Occurrence

LAST_OCCURRENCE: Problem = (ErrorCode.INVALID, "This is the last one: complete it instead.")
NOT_RECURRING: Problem = (ErrorCode.INVALID, "The todo doesn't repeat.")
NOT_OPEN: Problem = (ErrorCode.INVALID, "The todo isn't open.")


class Completion(NamedTuple):
    """What completing an occurrence leads to: the todo at the next one, and the completed copy."""

    todo: TodoState
    occurrence: TodoState


def recurrence_of(todo: TodoState) -> Recurrence | None:
    """How a todo repeats; None if it doesn't."""
    return None if todo.recurrence is None else Recurrence.from_json(orjson.loads(todo.recurrence))


def with_recurrence(
    edit: TodoEdit, before: TodoState | None, after: TodoState, clock: LocalClock, *path: str
) -> TodoState | UserError:
    """A todo after an edit of its dates or its recurrence, as far as they go together; or why they don't.

    `after` has the dates of the edit. A due date that the rule doesn't choose moves to the first day that
    it does; without any, the todo is due on the first day from today and its start on.
    """
    sent = edit.get("recurrence")
    if isinstance(sent, SentRecurrence):
        try:
            return _begun(sent, before, after, clock)
        except RuleError as error:
            return invalid(ErrorCode.INVALID, str(error), *path, "recurrence", "rule")
    if after.recurrence is not None and due_of(after) is None:
        name = "dueAt" if "due_at" in edit else "dueDate"
        message = "A repeating todo needs a due date: set recurrence to null, too."
        return invalid(ErrorCode.INVALID, message, *path, name)
    return after


def _begun(
    sent: SentRecurrence, before: TodoState | None, after: TodoState, clock: LocalClock
) -> TodoState:
    own = TimeZoneName(clock.zone_name or "UTC")
    zone = sent.time_zone or TimeZoneName(after.due_time_zone or own)
    due = due_of(after)
    stored = recurrence_of(before) if before else None
    if before and stored and due is not None and due == due_of(before):
        # Sent again as it is, or with another mode, it goes on from the same anchor.
        same_zone = sent.time_zone or stored.time_zone
        same = resumed(stored, sent.rule, sent.mode, same_zone, catches_up=sent.catches_up)
        if same:
            return after._replace(recurrence=_stored(same))
    # Nothing is due before it starts.
    first_day = max(clock.today, start_day(after, clock) or clock.today)
    recurrence, moved_to = begin(
        *(sent.rule, sent.mode, zone, due or first_day), catches_up=sent.catches_up
    )
    first = moved_to or (Occurrence(recurrence.anchor) if due is None else None)
    todo = after._replace(recurrence=_stored(recurrence))
    return _due_at(todo, first, recurrence) if first else todo


def step_of(before: TodoState, after: TodoState, clock: LocalClock) -> Completion | None:
    """What an edit leads to that completes an occurrence; None if it doesn't, or it was the last one.

    An open todo that is completed goes on with its next occurrence, whatever else the edit changes.
    """
    recurrence = _completed(before, after)
    due = due_of(after)
    if recurrence is None or due is None:
        return None
    occurrence = recurrence.after_completion(due, clock.now)
    if occurrence is None:
        return None
    todo = _moved_on(after, due, occurrence, recurrence.completed_once())
    return Completion(todo, _copy(after, clock.now))


def ended(before: TodoState, after: TodoState) -> TodoState:
    """A completed todo that counts its last occurrence; any other one as it is."""
    recurrence = _completed(before, after)
    if recurrence is None:
        return after
    return after._replace(recurrence=_stored(recurrence.completed_once()))


def _completed(before: TodoState, after: TodoState) -> Recurrence | None:
    """The recurrence of a todo that an edit completes."""
    if after.recurrence is None or after.status != Status.COMPLETED:
        return None
    return recurrence_of(after) if before.status in OPEN_STATUSES else None


def skip(todo: TodoState, clock: LocalClock) -> TodoState | Problem:
    """The todo at its next occurrence, which doesn't count as completed; or why it has none."""
    recurrence, due = recurrence_of(todo), due_of(todo)
    if recurrence is None or due is None:
        return NOT_RECURRING
    if todo.status not in OPEN_STATUSES:
        return NOT_OPEN
    occurrence = next(recurrence.following(due, clock.now), None)
    return _moved_on(todo, due, occurrence, recurrence) if occurrence else LAST_OCCURRENCE


def due_of(todo: TodoState) -> date | datetime | None:
    """The moment at which a todo is due, or the day."""
    return todo.due_at or todo.due_date


def _moved_on(
    todo: TodoState, due: date | datetime, occurrence: Occurrence, recurrence: Recurrence
) -> TodoState:
    """The todo at another occurrence, where it isn't begun."""
    start = todo.start_at or todo.start_date
    moved = todo._replace(
        status=Status.PENDING.value,
        completed_at=None,
        actual_minutes=None,
        recurrence=_stored(recurrence),
    )
    if start is not None:
        start = moved_start(start, due, occurrence, recurrence.zone)
        is_moment = isinstance(start, datetime)
        moved = moved._replace(
            start_at=start if is_moment else None, start_date=None if is_moment else start
        )
    return _due_at(moved, occurrence, recurrence)


def _due_at(todo: TodoState, occurrence: Occurrence, recurrence: Recurrence) -> TodoState:
    if occurrence.at is None:
        return todo._replace(due_at=None, due_time_zone=None, due_date=occurrence.date)
    zone = todo.due_time_zone or recurrence.time_zone
    return todo._replace(due_at=occurrence.at, due_time_zone=zone, due_date=None)


def _copy(completed: TodoState, now: datetime) -> TodoState:
    """A completed occurrence as a todo of its own, at the end of its list."""
    return completed._replace(
        id=uuid7(),
        recurrence=None,
        parent_id=None,
        position=None,
        subtask_count=0,
        completed_subtask_count=0,
        version=1,
        created_at=now,
        updated_at=now,
    )


def _stored(recurrence: Recurrence) -> str:
    """The recurrence as the todo's state has it."""
    return sorted_json(recurrence.to_json())
