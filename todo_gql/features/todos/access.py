"""The todos and tags that a viewer may see: the queries from which every read of them starts."""

from todo_gql.database.models import Tag, Todo
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

TODO_COLUMNS = columns(Todo, "t")
TAG_COLUMNS = columns(Tag, "g")


def all_todos(viewer: Viewer) -> SelectQuery:
    """The viewer's todos `t`, those in the trash too."""
    return owned("todos t", "t", viewer)


def visible_todos(viewer: Viewer) -> SelectQuery:
    """The viewer's todos `t` outside the trash."""
    return all_todos(viewer).where("t.deleted_at IS NULL")


def trashed_todos(viewer: Viewer) -> SelectQuery:
    """The viewer's todos `t` in the trash."""
    return all_todos(viewer).where("t.deleted_at IS NOT NULL")


def all_tags(viewer: Viewer) -> SelectQuery:
    """The viewer's tags `g`, also those that only todos in the trash have."""
    return owned("tags g", "g", viewer)


def visible_tags(viewer: Viewer) -> SelectQuery:
    """The viewer's tags `g` that a todo outside the trash has."""
    return all_tags(viewer).where("g.todo_count > 0")
