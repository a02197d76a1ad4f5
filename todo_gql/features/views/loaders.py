"""Which of the things that saved views name are still there."""

from typing import NamedTuple
from uuid import UUID

from todo_gql.database.connection import fetch
from todo_gql.features.accounts.access import known_users
from todo_gql.features.todos.access import TODO_OF_MEMBER
from todo_gql.features.todos.list_access import OF_PRESENT_LIST
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext
from todo_gql.security.access import is_member

THERE = """
SELECT 'listId' AS field, l.id FROM lists l
WHERE l.owner_id = $1 AND l.id = ANY($2) AND l.deleted_at IS NULL
UNION ALL
SELECT 'sectionId', s.id FROM sections s
WHERE s.owner_id = $1 AND s.id = ANY($3) AND s.deleted_at IS NULL
    AND EXISTS (SELECT FROM lists l WHERE l.owner_id = $1 AND l.id = s.list_id AND l.deleted_at IS NULL)
UNION ALL
SELECT 'parentId', t.id FROM todos t
WHERE t.owner_id = $1 AND t.id = ANY($4) AND t.deleted_at IS NULL
"""


THERE_FOR_MEMBERS = f"""
SELECT 'listId' AS field, l.id FROM lists l
WHERE (l.owner_id = $1 OR {is_member("l.id")}) AND l.id = ANY($2) AND l.deleted_at IS NULL
UNION ALL
SELECT 'sectionId', s.id FROM sections s
WHERE (s.owner_id = $1 OR {is_member("s.list_id")}) AND s.id = ANY($3) AND s.deleted_at IS NULL
    AND {OF_PRESENT_LIST}
UNION ALL
SELECT 'parentId', t.id FROM todos t
WHERE {TODO_OF_MEMBER} AND t.id = ANY($4) AND t.deleted_at IS NULL
"""


class Named(NamedTuple):
    """A list, section, parent or assignee that a filter names, by the part of TodoFilter that does so."""

    field: str
    id: UUID


@loader
async def named_things(context: LoaderContext, names: list[Named]) -> list[bool]:
    """Whether the viewer sees each outside the trash, or is in a list with somebody."""
    ids = (
        [named.id for named in names if named.field == field]
        for field in ("listId", "sectionId", "parentId")
    )
    text = THERE_FOR_MEMBERS if context.viewer.is_member else THERE
    rows = await fetch(text, context.viewer.id, *ids)
    there = {(row["field"], row["id"]) for row in rows}
    if people := [named.id for named in names if named.field == "assigneeId"]:
        # Administrators see all accounts, but can assign nothing to them for that.
        statement = known_users(context.viewer).where_one_of("u.id", people)
        rows = await fetch(statement.select(("u.id",)), *statement.values)
        there |= {("assigneeId", row["id"]) for row in rows}
    return [named in there for named in names]
