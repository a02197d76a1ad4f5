"""The lists and sections that a viewer may see: the queries from which every read of them starts."""

from typing import Final
from uuid import UUID

from todo_gql.database.models import Section, TodoList
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

IS_COUNTED: Final = (
    "(SELECT f.seq = f.counted_seq FROM feeds f WHERE f.owner_id = l.owner_id) AS is_counted"
)
LIST_COLUMNS = (*columns(TodoList, "l"), IS_COUNTED)
SECTION_COLUMNS = columns(Section, "s")

INBOX: Final = UUID(int=0)
"""What stands for the inbox in the index of positions: no list has this id."""

NOTHING: Final = UUID(int=0)
"""The key of no list and of no section, since loaders take no null."""


def list_or_inbox(column: str) -> str:
    """SQL for the list in a column `list_id`, as the index of positions has it."""
    return f"coalesce({column}, '{INBOX}'::uuid)"


LIST_OR_INBOX: Final = list_or_inbox("t.list_id")
"""The list of a todo `t`, as the index of positions has it."""


def lists_of(owner_id: UUID) -> SelectQuery:
    """An owner's lists `l`, those in the trash too; for callers that have checked access."""
    return owned("lists l", "l", owner_id)


def visible_lists(viewer: Viewer) -> SelectQuery:
    """The viewer's lists `l` outside the trash, archived ones too."""
    return lists_of(viewer.id).where("l.deleted_at IS NULL")


def trashed_lists(viewer: Viewer) -> SelectQuery:
    """The viewer's lists `l` in the trash."""
    return lists_of(viewer.id).where("l.deleted_at IS NOT NULL")


def sections_of(owner_id: UUID) -> SelectQuery:
    """An owner's sections `s` that aren't deleted, of lists in the trash too; access is checked."""
    return owned("sections s", "s", owner_id).where("s.deleted_at IS NULL")


def sections_of_present_lists(owner_id: UUID) -> SelectQuery:
    """An owner's sections `s` that aren't deleted, of lists outside the trash; access is checked."""
    return sections_of(owner_id).where(
        "EXISTS (SELECT FROM lists l WHERE l.owner_id = s.owner_id AND l.id = s.list_id"
        " AND l.deleted_at IS NULL)"
    )


def visible_sections(viewer: Viewer) -> SelectQuery:
    """The sections `s` of the viewer's lists outside the trash."""
    return sections_of_present_lists(viewer.id)


def key_of(id: UUID | None) -> UUID:
    """The key of a list or section, or of none."""
    return id or NOTHING
