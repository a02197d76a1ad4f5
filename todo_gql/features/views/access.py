"""The saved views that a viewer may see."""

from todo_gql.database.models import SavedView
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

VIEW_COLUMNS = columns(SavedView, "v")


def visible_views(viewer: Viewer) -> SelectQuery:
    """The viewer's saved views `v`."""
    return owned("saved_views v", "v", viewer.id)
