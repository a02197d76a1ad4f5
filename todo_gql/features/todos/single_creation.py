"""Creating a todo in a transaction that is a single message to PostgreSQL."""

from typing import NamedTuple

from asyncpg import ForeignKeyViolationError

from todo_gql.api.errors import Unauthenticated
from todo_gql.changelog.cursors import FirstChange
from todo_gql.changelog.feed_registry import announce
from todo_gql.database.connection import acquire
from todo_gql.database.retry import CONNECTION_LOST, OutcomeUnknown
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.loaders import TagOfTodo
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.write_rows import WriteRows
from todo_gql.features.todos.write_sql import create_statement


class CreatedTodo(NamedTuple):
    """A todo as it was created, its tags, and its change."""

    todo: TodoState
    tags: list[TagOfTodo]
    change: FirstChange | None


async def create_in_one_message(todo: TodoState, quota: Quota) -> CreatedTodo | None:
    """Create a todo of the actor's own that is in no list, in a transaction that is a single message to PostgreSQL.

    Returns None, and stores nothing, if its id isn't free or the quota is exhausted.

    The statement takes the owner's lock, too, unless somebody else has it. Then another message
    executes it twice: the first execution waits for the lock, the second writes, with a snapshot taken
    after the lock. The times are PostgreSQL's. Callers are to be `retried`. Raises `Unauthenticated`
    if the actor's account is deleted, and `OutcomeUnknown` if the connection is lost.
    """
    rows, owner_id = WriteRows([Entry(None, todo)]), todo.owner_id
    values = owner_id, await rows.payload(None, created=True, quota=quota), owner_id
    async with acquire() as connection:
        try:
            created = await connection.fetch(create_statement(rows.parts), *values)
            if not created:
                executions = [(owner_id, None, None), values]
                statement = create_statement(rows.parts, waits=True)
                created = await connection.fetchmany(statement, executions)
        except ForeignKeyViolationError:
            raise Unauthenticated from None
        except CONNECTION_LOST as lost:
            # It may be stored, so subscribers have to look.
            announce(owner_id)
            raise OutcomeUnknown from lost
    if not created:
        return None
    announce(owner_id)
    now = created[0]["created_at"]
    todo = todo._replace(created_at=now, updated_at=now, position=created[0]["position"])
    change = FirstChange(owner_id, created[0]["seq"], rows.first_id)
    return CreatedTodo(todo, [row for row in created if row["id"]], change)
