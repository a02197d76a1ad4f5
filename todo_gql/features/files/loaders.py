"""Who may see files, and loading them by their todos and comments."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import Attachment, AttachmentState
from todo_gql.database.select import SelectQuery
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext
from todo_gql.security.access import columns, is_member
from todo_gql.security.authentication import Viewer

ATTACHMENT_COLUMNS: Final = columns(Attachment, "a")
IN_ORDER: Final = "a.created_at, a.id"
WITH_TODO: Final = "attachments a JOIN todos t ON t.owner_id = a.owner_id AND t.id = a.todo_id"
WITH_COMMENT: Final = (
    f"{WITH_TODO} JOIN comments c ON c.owner_id = a.owner_id AND c.id = a.comment_id"
)
# What isn't there yet, or was refused, is of no use to anybody but its uploader.
SHOWN: Final = (
    f"(a.state IN ({AttachmentState.SCANNING}, {AttachmentState.READY}) OR a.uploaded_by_id = $1)"
)


def attachments_of(viewer: Viewer, source: str = WITH_TODO) -> SelectQuery:
    """The files `a` of todos `t` that the viewer sees, those in the trash too."""
    statement = SelectQuery(source)
    own = f"t.owner_id = {statement.bind(viewer.id)}"
    statement.where(f"({own} OR {is_member('t.list_id')})" if viewer.is_member else own)
    if not viewer.is_member:
        statement.where("a.owner_id = $1")
    return statement.where(SHOWN)


def visible_attachments(viewer: Viewer) -> SelectQuery:
    """The files `a` that the viewer sees of todos `t` outside the trash."""
    return attachments_of(viewer).where("t.deleted_at IS NULL")


@loader
async def attachments_by_todo_id(context: LoaderContext, ids: list[UUID]) -> list[list[Row]]:
    """The files of each todo and of its comments, in the order in which they were created."""
    statement = attachments_of(context.viewer).where_one_of("t.id", ids)
    text = statement.select(ATTACHMENT_COLUMNS, order_by=IN_ORDER)
    return _grouped(await fetch(text, *statement.values), "todo_id", ids)


@loader
async def attachments_by_comment_id(context: LoaderContext, ids: list[UUID]) -> list[list[Row]]:
    """The files of each comment, in the order in which they were created."""
    statement = attachments_of(context.viewer, WITH_COMMENT).where_one_of("c.id", ids)
    text = statement.select(ATTACHMENT_COLUMNS, order_by=IN_ORDER)
    return _grouped(await fetch(text, *statement.values), "comment_id", ids)


def _grouped(rows: Sequence[Row], column: str, ids: Sequence[UUID]) -> list[list[Row]]:
    grouped: dict[UUID, list[Row]] = {id: [] for id in ids}
    for row in rows:
        grouped[row[column]].append(row)
    return [grouped[id] for id in ids]
