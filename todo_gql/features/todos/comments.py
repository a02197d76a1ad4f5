"""Comments on todos as they are stored: who may see them, and loading them, their numbers and people."""

from collections import defaultdict
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import orjson

from todo_gql.api.connections import Page, PageArguments, fetch_pages
from todo_gql.api.keyset import Keyset, SortKey, parse_time, parse_uuid
from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import Comment
from todo_gql.database.select import SelectQuery
from todo_gql.features.accounts.access import USER_COLUMNS
from todo_gql.features.todos.access import TODO_OF_MEMBER
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext, rows_by_id
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

MAX_BODY: Final = 10_000
COMMENT_PAGE: Final = 50
COMMENT_COLUMNS: Final = columns(Comment, "c")
OLDEST_FIRST: Final = Keyset(
    SortKey("created_at", "c.created_at", "created_at", parse_time),
    SortKey("id", "c.id", "id", parse_uuid),
)
WITH_TODO: Final = "comments c JOIN todos t ON t.owner_id = c.owner_id AND t.id = c.todo_id"


def comments_of(viewer: Viewer) -> SelectQuery:
    """The comments `c` that the viewer sees, deleted ones and those of todos in the trash, too."""
    if not viewer.is_member:
        return owned("comments c", "c", viewer.id)
    statement = SelectQuery(WITH_TODO)
    statement.bind(viewer.id)
    return statement.where(TODO_OF_MEMBER)


def todo_column(viewer: Viewer) -> str:
    """The column of `comments_of` with the id of the todo, by which an index has it."""
    return "t.id" if viewer.is_member else "c.todo_id"


def visible_comments(viewer: Viewer) -> SelectQuery:
    """The comments `c` that the viewer sees, deleted ones, too, of todos outside the trash."""
    if viewer.is_member:
        return comments_of(viewer).where("t.deleted_at IS NULL")
    return owned(WITH_TODO, "c", viewer.id).where("t.deleted_at IS NULL")


def undeleted_comments(viewer: Viewer) -> SelectQuery:
    """The comments `c` that the viewer sees which have words, of todos outside the trash."""
    return visible_comments(viewer).where("c.deleted_at IS NULL")


class CommentPageKey(NamedTuple):
    """A page of the comments of a todo."""

    todo_id: UUID
    arguments: PageArguments


@loader
async def comments_by_id(context: LoaderContext, ids: list[UUID]) -> list[Row | None]:
    """The comments that the viewer sees of todos outside the trash."""
    statement = visible_comments(context.viewer).where_one_of("c.id", ids)
    return rows_by_id(await fetch(statement.select(COMMENT_COLUMNS), *statement.values), ids)


@loader
async def comment_pages_by_todo(context: LoaderContext, keys: list[CommentPageKey]) -> list[Page]:
    """A page of each todo's comments, oldest first."""
    ids = defaultdict[PageArguments, list[UUID]](list)
    for key in keys:
        ids[key.arguments].append(key.todo_id)
    pages: dict[CommentPageKey, Page] = {}
    for arguments, todo_ids in ids.items():
        loaded = await fetch_pages(
            *(comments_of(context.viewer), todo_column(context.viewer), todo_ids),
            *(COMMENT_COLUMNS, OLDEST_FIRST, arguments),
        )
        pages |= {
            CommentPageKey(id, arguments): page for id, page in zip(todo_ids, loaded, strict=True)
        }
    return [pages[key] for key in keys]


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


People: TypeAlias = tuple[UUID, ...]


@loader
async def people_of_comments(_context: LoaderContext, keys: list[People]) -> list[list[Row]]:
    """The accounts of authors of comments, and of people in them; none of deleted accounts.

    They are seen by whoever sees the comments, also once they have left the list.
    """
    ids = {id for key in keys for id in key}
    rows: dict[UUID, Row] = {}
    if ids:
        statement = SelectQuery("users u").where_one_of("u.id", list(ids))
        loaded = await fetch(statement.select(USER_COLUMNS), *statement.values)
        rows = {row["id"]: row for row in loaded}
    return [[rows[id] for id in key if id in rows] for key in keys]


def only_one(person_id: UUID | None) -> People:
    """The key of one person, or of nobody."""
    return (person_id,) if person_id else ()


def several(stored: str) -> People:
    """The key of the people in a JSON list of ids."""
    return tuple(map(UUID, orjson.loads(stored)))


def page_key(todo_id: UUID, arguments: PageArguments) -> CommentPageKey:
    """The key of a page of a todo's comments; `BadUserInput` for invalid arguments or cursors."""
    # Here, so that one wrong page fails no other one of its batch.
    arguments.size(COMMENT_PAGE)
    for cursor in (arguments.after, arguments.before):
        if cursor is not None:
            OLDEST_FIRST.values(cursor)
    return CommentPageKey(todo_id, arguments)
