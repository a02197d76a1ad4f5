"""Comments on todos as they are stored: who may see them, and loading them, their numbers and people."""

from collections import defaultdict
from typing import Any, Final
from uuid import UUID

from todo_gql.api.connections import Page, ParentPage, fetch_parent_pages
from todo_gql.api.keyset import Keyset, SortKey, parse_time, parse_uuid
from todo_gql.database.connection import Connection, Row, Values, fetch
from todo_gql.database.models import Comment
from todo_gql.database.select import SelectQuery
from todo_gql.features.accounts.access import USER_COLUMNS
from todo_gql.features.todos.access import TODO_OF_MEMBER
from todo_gql.observability.request_record import loader
from todo_gql.operation.context import Context
from todo_gql.operation.loaders import LoaderContext, rows_by_id
from todo_gql.security.access import bound_to_lists, columns, owned
from todo_gql.security.authentication import Viewer

MAX_BODY: Final = 10_000
COMMENT_COLUMNS: Final = columns(Comment, "c")
OLDEST_FIRST: Final = Keyset(
    SortKey("created_at", "c.created_at", "created_at", parse_time),
    SortKey("id", "c.id", "id", parse_uuid),
)
LIST_OF_TODO: Final = (
    "(SELECT b.list_id FROM todos b WHERE b.owner_id = c.owner_id AND b.id = c.todo_id)"
)
"""SQL: the list of the todo of a comment `c`."""
WITH_TODO: Final = "comments c JOIN todos t ON t.owner_id = c.owner_id AND t.id = c.todo_id"


def comments_of(viewer: Viewer) -> SelectQuery:
    """The comments `c` that the viewer sees, deleted ones and those of todos in the trash, too."""
    if not viewer.is_member:
        return bound_to_lists(owned("comments c", "c", viewer.id), viewer, LIST_OF_TODO)
    statement = SelectQuery(WITH_TODO)
    statement.bind(viewer.id)
    return bound_to_lists(statement, viewer, "t.list_id").where(TODO_OF_MEMBER)


def todo_column(viewer: Viewer) -> str:
    """The column of `comments_of` with the id of the todo, by which an index has it."""
    return "t.id" if viewer.is_member else "c.todo_id"


def visible_comments(viewer: Viewer) -> SelectQuery:
    """The comments `c` that the viewer sees, deleted ones, too, of todos outside the trash."""
    if viewer.is_member:
        return comments_of(viewer).where("t.deleted_at IS NULL")
    statement = bound_to_lists(owned(WITH_TODO, "c", viewer.id), viewer, "t.list_id")
    return statement.where("t.deleted_at IS NULL")


def undeleted_comments(viewer: Viewer) -> SelectQuery:
    """The comments `c` that the viewer sees which have words, of todos outside the trash."""
    return visible_comments(viewer).where("c.deleted_at IS NULL")


AUTHORS: Final = " JOIN users u ON u.id = c.author_id"
MENTIONS: Final = (
    " CROSS JOIN LATERAL jsonb_array_elements_text(c.mentions) WITH ORDINALITY AS m (id, place)"
    " JOIN users u ON u.id = m.id::uuid"
)


@loader
async def comments_by_id(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """The comments that the viewer sees of todos outside the trash."""
    statement = visible_comments(context.viewer).where_one_of("c.id", ids)
    return rows_by_id(await fetch(statement.select(COMMENT_COLUMNS), *statement.values), ids)


@loader
async def comment_pages_by_todo(context: LoaderContext, keys: list[ParentPage]) -> list[Page]:
    """A page of each todo's comments, oldest first."""
    viewer = context.viewer
    return await fetch_parent_pages(
        comments_of(viewer), todo_column(viewer), keys, COMMENT_COLUMNS, OLDEST_FIRST
    )


@loader
async def comment_counts(context: LoaderContext, todo_ids: list[UUID]) -> list[int]:
    """How many comments each todo has, deleted ones included."""
    viewer = context.viewer
    statement = comments_of(viewer).where(f"{todo_column(viewer)} = k.id")
    rows = await fetch(
        f"SELECT ({statement.select(['count(*)'])}) AS number"
        f" FROM unnest({statement.bind(todo_ids)}::uuid[]) WITH ORDINALITY AS k (id, number)"
        " ORDER BY k.number",
        *statement.values,
    )
    return [row["number"] for row in rows]


@loader
async def authors_by_comment(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """The account that wrote each comment, also after it left the list; None for a deleted one.

    Whoever sees the comment sees the account, too.
    """
    rows = await _people(context, ids, AUTHORS)
    by_comment = {row["comment_id"]: row for row in rows}
    return [by_comment.get(id) for id in ids]


@loader
async def mentions_by_comment(context: LoaderContext, ids: list[UUID | None]) -> list[list[Row]]:
    """The accounts that each comment mentions, in their order; as `authors_by_comment`. Nobody for no id."""
    by_comment = defaultdict[UUID, list[Row]](list)
    for row in await _people(context, [id for id in ids if id], MENTIONS):
        by_comment[row["comment_id"]].append(row)
    return [by_comment[id] if id else [] for id in ids]


async def prime_people(context: Context, connection: Connection, comment_id: UUID) -> None:
    """Prime the loaders with the people of a comment that is in the transaction of a connection only."""
    viewer = context.signed_in()
    authors = await connection.fetch(*_statement(viewer, [comment_id], AUTHORS))
    mentioned = await connection.fetch(*_statement(viewer, [comment_id], MENTIONS))
    context.loader(authors_by_comment).prime_many({comment_id: authors[0] if authors else None})
    context.loader(mentions_by_comment).prime_many({comment_id: mentioned})


async def _people(context: LoaderContext, ids: list[UUID], joined: str) -> list[Row]:
    return await fetch(*_statement(context.viewer, ids, joined)) if ids else []


def _statement(viewer: Viewer, ids: list[UUID], joined: str) -> tuple[Any, ...]:
    """The text and the values of a statement for the people of comments."""
    statement = comments_of(viewer).where_one_of("c.id", ids)
    statement.source += joined
    columns = ("c.id AS comment_id", *USER_COLUMNS)
    order = "m.place" if joined is MENTIONS else None
    return (statement.select(columns, order), *statement.values)


def mention_key(row: Values) -> UUID | None:
    """The id of a comment that mentions somebody; None for one that mentions nobody."""
    id: UUID = row["id"]
    return None if row["mentions"] == "[]" else id
