"""The todos and tags that a viewer may see: the queries from which every read of them starts."""

from uuid import UUID

from todo_gql.database.models import Tag, Todo
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

# They follow from others, or are set by nothing yet.
UNREAD_COLUMNS = frozenset({"search_text", "due_on", "start_on", "series_id", "series_version"})
TODO_COLUMNS = columns(Todo, "t", without=UNREAD_COLUMNS)
TAG_COLUMNS = columns(Tag, "g")


def todos_of(owner_id: UUID) -> SelectQuery:
    """An owner's todos `t`, those in the trash too; for callers that have checked access."""
    return owned("todos t", "t", owner_id)


def tags_of(owner_id: UUID) -> SelectQuery:
    """An owner's tags `g`, unused ones too; for callers that have checked access."""
    return owned("tags g", "g", owner_id)


def all_todos(viewer: Viewer) -> SelectQuery:
    """The viewer's todos `t`, those in the trash too."""
    return todos_of(viewer.id)


def visible_todos(viewer: Viewer) -> SelectQuery:
    """The viewer's todos `t` outside the trash."""
    return all_todos(viewer).where("t.deleted_at IS NULL")


def trashed_todos(viewer: Viewer) -> SelectQuery:
    """The viewer's todos `t` in the trash."""
    return all_todos(viewer).where("t.deleted_at IS NOT NULL")


def visible_tags(viewer: Viewer) -> SelectQuery:
    """The viewer's tags `g` that a todo outside the trash has."""
    return tags_of(viewer.id).where("g.todo_count > 0")
