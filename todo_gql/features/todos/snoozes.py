"""Todos that people have put off for themselves: until when, and as a condition on the table `todos t`."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from todo_gql.database.connection import fetch
from todo_gql.features.todos.enums import DayGroup
from todo_gql.features.todos.inputs import TodoFilter, parts_of, unset_to_none
from todo_gql.observability.request_record import loader
from todo_gql.operation.clock import FilterClock
from todo_gql.operation.loaders import LoaderContext

SNOOZED_UNTIL: Final = """
SELECT z.todo_id, z.until FROM snoozes z
WHERE z.person_id = $1 AND z.until > $2 AND z.todo_id = ANY($3)
"""


@loader
async def snoozes_by_todo_id(context: LoaderContext, ids: list[UUID]) -> list[datetime | None]:
    """Until when the viewer has put off each todo; None for one that isn't, or not any more."""
    rows = await fetch(SNOOZED_UNTIL, context.viewer.id, context.now, ids)
    until = {row["todo_id"]: row["until"] for row in rows}
    return [until.get(id) for id in ids]


def is_snoozed(bind: Callable[[object], str], clock: FilterClock) -> str:
    """SQL that is true for a todo that the clock's person has put off until after now.

    Nobody who has put off nothing pays for it.
    """
    if not clock.has_snoozed:
        return "FALSE"
    # PostgreSQL hashes these few rows once, where an EXISTS beside an OR is a look-up for each todo.
    return (
        "(t.owner_id, t.id) IN (SELECT z.owner_id, z.todo_id FROM snoozes z"
        f" WHERE z.person_id = {bind(clock.person_id)} AND z.until > {bind(clock.now)})"
    )


def uses_snoozes(todo_filter: TodoFilter | None) -> bool:
    """Whether what a filter matches depends on what its viewer has put off: TODAY leaves that out."""
    if todo_filter is None:
        return False
    due = unset_to_none(todo_filter.due)
    groups = (unset_to_none(due.in_) or ()) if due is not None else ()
    if DayGroup.TODAY in groups or unset_to_none(todo_filter.is_snoozed) is not None:
        return True
    return any(map(uses_snoozes, parts_of(todo_filter)))
