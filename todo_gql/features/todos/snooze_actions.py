"""Putting todos off, each person for themselves."""

from datetime import datetime
from typing import Final

from todo_gql.api.errors import not_found
from todo_gql.api.node import parse_id
from todo_gql.database.retry import retried
from todo_gql.features.todos.actions import to_todo
from todo_gql.features.todos.owners import owner_of_todo
from todo_gql.features.todos.payloads import TodoPayload
from todo_gql.features.todos.viewer_writes import viewer_write
from todo_gql.operation.context import Info

# Whatever has ended goes with the next write, so that few rows are ever looked through.
SNOOZE: Final = """
WITH ended AS (
    DELETE FROM snoozes WHERE owner_id = $1 AND person_id = $3 AND until <= $5 AND todo_id <> $2
)
INSERT INTO snoozes (owner_id, todo_id, person_id, until) VALUES ($1, $2, $3, $4)
ON CONFLICT (owner_id, todo_id, person_id) DO UPDATE SET until = excluded.until
"""
END: Final = "DELETE FROM snoozes WHERE owner_id = $1 AND todo_id = $2 AND person_id = $3"


@retried
async def snooze_todo(info: Info, id: str, until: datetime | None) -> TodoPayload:
    """Put a todo off until a moment, for the viewer alone; None, or a moment that has passed, ends that.

    It is no change of the todo: neither its version nor the log has it. The owner's lock has it wait for
    whoever completes an occurrence, which ends it. `Unauthenticated` if nobody is signed in.
    """
    todo_id, viewer = parse_id(id), info.context.signed_in()
    owner_id, person_id = await owner_of_todo(viewer, todo_id), viewer.id
    ids = [todo_id] if todo_id else []
    async with viewer_write(viewer, owner_id, ids) as write:
        info.context.viewer_time_zone = write.clock.zone_name
        stored = (await write.load_named(ids)).get(todo_id) if todo_id else None
        if stored is None:
            return TodoPayload(errors=[not_found("id")])
        key = owner_id, stored.id, person_id
        if until is None or until <= write.now:
            await write.connection.execute(END, *key)
        else:
            await write.connection.execute(SNOOZE, *key, until, write.now)
    info.context.clear_loaders()
    return TodoPayload(todo=to_todo(stored, info))
