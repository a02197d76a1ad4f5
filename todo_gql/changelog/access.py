"""The changes that a viewer may see, and the ids of changes by their number."""

from uuid import UUID

from todo_gql.database.models import Change, ChangeKind
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned, visible
from todo_gql.security.authentication import Viewer

UNREAD_COLUMNS = frozenset({"kind", "entity_id", "first_seq"})
CHANGE_COLUMNS = columns(Change, "c", without=UNREAD_COLUMNS)
"""The columns of a change `c` of a todo."""

LOG_COLUMNS = (*CHANGE_COLUMNS, "c.kind")
"""The columns of a change `c` of any kind, as feeds read them."""

IS_OF_TODO = f"c.kind = {ChangeKind.TODO.value}"
"""SQL for whether a change `c` is of a todo. Reads leave out all other kinds, also unknown ones."""


def change_at(number: str) -> str:
    """SQL for the id of the change with a number in the feed of the user in `ENDS`, if it is known.

    Numbers have no gaps, so the change before the oldest stored one is the last that was deleted; its
    id is stored with the user. Spans are looked at only in feeds that have any.
    """
    span = (
        "SELECT s.* FROM spans s"
        f" WHERE s.owner_id = u.id AND s.seq_to >= {number} ORDER BY s.seq_to LIMIT 1"
    )
    in_span = (
        f"SELECT c.id FROM ({span}) s JOIN changes c ON c.owner_id = s.source_owner_id"
        f" AND c.seq = s.source_from + {number} - s.seq_from WHERE s.seq_from <= {number}"
    )
    return (
        f"coalesce((SELECT c.id FROM changes c WHERE c.owner_id = u.id AND c.seq = {number}),"
        f" CASE WHEN f.has_spans THEN ({in_span}) END, u.forgotten_change_id)"
    )


ENDS = "users u JOIN feeds f ON f.owner_id = u.id"
"""The users `u`, each with the end `f` of their feed."""

NEWEST_CHANGE = change_at("f.seq")


def log_of(owner_id: UUID) -> SelectQuery:
    """An owner's whole change log `c`, of all kinds; for callers that have checked access."""
    return owned("changes c", "c", owner_id)


def own_changes(viewer: Viewer) -> SelectQuery:
    """The changes `c` of todos in the viewer's change log."""
    return log_of(viewer.id).where(IS_OF_TODO)


def visible_changes(viewer: Viewer) -> SelectQuery:
    """The changes `c` of todos that are the viewer's or were in a list shared with them, to be redacted."""
    return visible("changes c", "c", viewer, "c.list_id").where(IS_OF_TODO)
