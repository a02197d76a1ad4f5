"""What a write begins with: the locks of the owners, and what is read with them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from todo_gql.api.errors import Unauthenticated
from todo_gql.database.connection import Connection, Row
from todo_gql.database.models import ListRole
from todo_gql.database.owner_batches import lock_owner
from todo_gql.database.retry import OwnerChanged
from todo_gql.features.todos.access import TODO_COLUMNS
from todo_gql.features.todos.columns import TAG_NAMES
from todo_gql.features.todos.storage import TODO_COUNT
from todo_gql.features.todos.write_sql import IS_CURRENT, WITHOUT_WAITING

# clock_timestamp() is read again when the row had to be waited for and has changed, so that the
# times of an owner's writes follow their order. So are the numbers, which feeds has too: a statement that
# waits sees the new version of the row that it locks, and old ones of all others.
OWNER_COLUMNS = (
    f"clock_timestamp() AS now, time_zone, {TODO_COUNT} AS todos, stored_bytes, change_seq,"
    " shared_list_count, membership_count"
)
LOCK_AND_READ_OWNER = lock_owner(OWNER_COLUMNS)
# Of several owners, always in one order.
LOCK_OWNERS = "SELECT id FROM users WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
# One id is no array, and never null: else PostgreSQL takes a plan for these values to be cheaper than the
# one for all, and plans each execution anew.
LOCK_AND_LOAD = f"""
SELECT u.*, {", ".join(TODO_COLUMNS)}, {TAG_NAMES}
FROM (
    SELECT {OWNER_COLUMNS}, {IS_CURRENT}
    FROM users u WHERE id = $1 {WITHOUT_WAITING}
) u LEFT JOIN todos t ON t.owner_id = $1 AND t.id = $2
"""
# The same, with whether each todo has subtasks, which most have not.
IS_PARENT = """, EXISTS (
    SELECT FROM todos c WHERE c.owner_id = $1 AND c.parent_id = t.id
) AS is_parent"""
LOCK_AND_LOAD_PARENTS = LOCK_AND_LOAD.replace("\nFROM (", f"{IS_PARENT}\nFROM (")
ONE_ID, MANY_IDS = "t.id = $2", "t.id = ANY($2)"
# Lists in the trash are there for their owner only.
ACTOR = """
SELECT u.time_zone, m.list_id, m.role FROM users u LEFT JOIN (
    list_members m JOIN lists l ON l.owner_id = m.owner_id AND l.id = m.list_id AND l.deleted_at IS NULL
) ON m.user_id = u.id AND m.owner_id = $2 WHERE u.id = $1
"""


class Actor(NamedTuple):
    """The zone of who writes to another's todos, and their roles in the owner's lists outside the trash."""

    time_zone: str | None
    roles: Mapping[UUID, ListRole]


async def lock_and_load(
    connection: Connection, owner_id: UUID, ids: Sequence[UUID], *, parents: bool
) -> tuple[Row | None, list[Row] | None]:
    """Lock an account, and read what a write begins with; None if the account is deleted.

    The todos with these ids are read with it unless others write to the owner's data at the time.
    """
    if ids:
        statement = LOCK_AND_LOAD_PARENTS if parents else LOCK_AND_LOAD
        parameter: object = ids[0]
        if len(ids) > 1:
            statement, parameter = statement.replace(ONE_ID, MANY_IDS), ids
        rows = await connection.fetch(statement, owner_id, parameter)
        if rows and rows[0]["is_current"]:
            return rows[0], rows
    return await connection.fetchrow(LOCK_AND_READ_OWNER, owner_id), None


async def read_actor(connection: Connection, actor_id: UUID, owner_id: UUID) -> Actor:
    """Who writes to another's todos, under the owner's lock; `Unauthenticated` if they are deleted."""
    rows = await connection.fetch(ACTOR, actor_id, owner_id)
    if not rows:
        raise Unauthenticated
    roles = {row["list_id"]: ListRole(row["role"]) for row in rows if row["list_id"]}
    return Actor(rows[0]["time_zone"], roles)


def owner_gone(owner_id: UUID, actor_id: UUID) -> Exception:
    """The error that says that an owner's account is deleted, and all that was to be written with it."""
    return Unauthenticated() if owner_id == actor_id else OwnerChanged()
