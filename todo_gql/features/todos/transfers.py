"""Todos that get another owner, since they move to a list of somebody else's or from there.

They stay the same todos under the same ids. Each owner's log, counts and storage have their own half of it:
a todo leaves the list in the log of the one, and is created in that of the other, who hasn't its history.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Final
from uuid import UUID

from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.storage import COMMENT_BYTES
from todo_gql.features.todos.write_rows import DepartureRows, WriteRows
from todo_gql.features.todos.writes import OwnerWrite

DEFER: Final = "SET CONSTRAINTS ALL DEFERRED"
# `$1` is the owner before, `$2` the one after, `$3` the list after or null, `$4` the ids.
TRANSFER: Final = """
UPDATE todos t SET owner_id = $2, list_id = $3, section_id = n.section_id, parent_id = n.parent_id,
    position = n.position, version = n.version, assignee_id = n.assignee_id, updated_at = $10
FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::int[], $9::uuid[])
    AS n (id, section_id, parent_id, position, version, assignee_id)
WHERE t.owner_id = $1 AND t.id = n.id
"""
HAS_OTHERS: Final = "UPDATE feeds SET has_spans = true WHERE owner_id = $1 AND NOT has_spans"
MOVED: Final = attrgetter("section_id", "parent_id", "position", "version", "assignee_id")
# What people have of their own goes along if they see the todo there.
_SEES: Final = """
({person} = $2 OR EXISTS (SELECT FROM list_members m WHERE m.list_id = $3 AND m.user_id = {person}))
"""
_ALONG: Final = {"comments": "author_id", "reminders": "person_id", "snoozes": "person_id"}
DELETE_OTHERS: Final = [
    f"DELETE FROM {table} x WHERE x.owner_id = $1 AND x.todo_id = ANY($4::uuid[])"
    f" AND {_SEES.format(person=f'x.{person}')} IS NOT TRUE"
    for table, person in _ALONG.items()
]
# Of the comments that stay behind, files do, too; all others are the todo's. Those of a list have another
# owner already.
DELETE_FILES_OF_OTHERS: Final = """
DELETE FROM attachments x WHERE x.owner_id = $1 AND x.todo_id = ANY($3::uuid[]) AND x.comment_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM comments c WHERE c.owner_id IN ($1, $2) AND c.id = x.comment_id)
"""
TAKE_ALONG: Final = [
    f"UPDATE {table} SET owner_id = $2 WHERE owner_id = $1 AND todo_id = ANY($3::uuid[])"
    for table in (*_ALONG, "attachments")
]
BYTES_OF_COMMENTS: Final = f"""
SELECT coalesce(sum({COMMENT_BYTES}), 0)::bigint FROM comments WHERE owner_id = $1 AND todo_id = ANY($2::uuid[])
"""


async def transfer(
    source: OwnerWrite, target: OwnerWrite, list_id: UUID | None, entries: Sequence[Entry]
) -> None:
    """Store todos that another owner gets in a list, or in the inbox: as they are, and as they will be.

    All of them go to one list. Both owners' feeds are to be locked, or `touch` is to have named the lists.
    """
    connection, owners = source.connection, (source.owner_id, target.owner_id)
    todos = [entry.after for entry in entries]
    ids = [todo.id for todo in todos]
    await connection.execute(DEFER)
    source.departed += len(entries)
    departure = DepartureRows(entries)
    departure.other_bytes = -await connection.fetchval(BYTES_OF_COMMENTS, source.owner_id, ids)
    await source.store_rows(departure)
    # Its log names a list of somebody else's from now on.
    await connection.execute(HAS_OTHERS, source.owner_id)
    columns = zip(
        *map(MOVED, todos),
        strict=True,
    )
    await connection.execute(TRANSFER, *owners, list_id, ids, *columns, target.now)
    for statement in DELETE_OTHERS:
        await connection.execute(statement, *owners, list_id, ids)
    await connection.execute(DELETE_FILES_OF_OTHERS, *owners, ids)
    for statement in TAKE_ALONG:
        await connection.execute(statement, *owners, ids)
    arrival = WriteRows([Entry(None, todo) for todo in todos])
    arrival.other_bytes = await connection.fetchval(BYTES_OF_COMMENTS, target.owner_id, ids)
    await target.store_rows(arrival)
