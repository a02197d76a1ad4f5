"""The lists and sections that a viewer may see: the queries from which every read of them starts."""

from typing import Final
from uuid import UUID

from todo_gql.database.models import Section, TodoList
from todo_gql.database.select import Ranges, SelectQuery
from todo_gql.security.access import (
    IN_LIST_OF_OTHERS,
    SHARED_LISTS,
    Columns,
    bound_to_lists,
    columns,
    owned,
    visible,
)
from todo_gql.security.authentication import Viewer

IS_COUNTED: Final = (
    "(SELECT f.seq = f.counted_seq FROM feeds f WHERE f.owner_id = l.owner_id) AS is_counted"
)
LIST_COLUMNS = (*columns(TodoList, "l"), IS_COUNTED)
POSITION_OF_MEMBER: Final = (
    "coalesce((SELECT m.position FROM list_members m WHERE m.list_id = l.id AND m.user_id = $1"
    " AND m.user_id <> m.owner_id), l.position)"
)
"""SQL for where a list `l` stands among those of the member `$1`."""
MEMBER_LIST_COLUMNS: Columns = tuple(
    f"{POSITION_OF_MEMBER} AS position" if column == "l.position" else column
    for column in LIST_COLUMNS
)
OF_MEMBER: Final = Ranges(
    alias="l",
    key=("owner_id", "id"),
    first="l.owner_id = $1",
    source=SHARED_LISTS,
    condition=IN_LIST_OF_OTHERS,
    of_each="l.owner_id = m.owner_id AND l.id = m.list_id",
)
"""The lists `l` of the member `$1`, and those of others that they are in."""
SECTION_COLUMNS = columns(Section, "s")
OF_PRESENT_LIST: Final = (
    "EXISTS (SELECT FROM lists l WHERE l.owner_id = s.owner_id AND l.id = s.list_id"
    " AND l.deleted_at IS NULL)"
)
"""SQL: the list of a section `s` isn't in the trash."""

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


def all_lists(viewer: Viewer) -> SelectQuery:
    """The lists `l` that the viewer sees, and their own in the trash; for statements that ask for ids."""
    return visible("lists l", "l", viewer, "l.id")


def visible_lists(viewer: Viewer) -> SelectQuery:
    """The lists `l` outside the trash that the viewer sees, archived ones too; as `all_lists`."""
    return all_lists(viewer).where("l.deleted_at IS NULL")


def list_ranges(viewer: Viewer) -> SelectQuery:
    """The same as `visible_lists` for statements that read many."""
    if not viewer.is_member:
        statement = bound_to_lists(lists_of(viewer.id), viewer, "l.id")
        return statement.where("l.deleted_at IS NULL")
    statement = SelectQuery("lists l", OF_MEMBER)
    statement.bind(viewer.id)
    return bound_to_lists(statement, viewer, "l.id").where("l.deleted_at IS NULL")


def list_columns(viewer: Viewer) -> Columns:
    """The columns of lists as the viewer sees them: in lists of others the position among their own lists."""
    return MEMBER_LIST_COLUMNS if viewer.is_member else LIST_COLUMNS


def trashed_lists(viewer: Viewer) -> SelectQuery:
    """The viewer's own lists `l` in the trash: nobody else sees them there."""
    statement = bound_to_lists(lists_of(viewer.id), viewer, "l.id")
    return statement.where("l.deleted_at IS NOT NULL")


def sections_of(owner_id: UUID) -> SelectQuery:
    """An owner's sections `s` that aren't deleted, of lists in the trash too; access is checked."""
    return owned("sections s", "s", owner_id).where("s.deleted_at IS NULL")


def sections_of_present_lists(owner_id: UUID) -> SelectQuery:
    """An owner's sections `s` that aren't deleted, of lists outside the trash; access is checked."""
    return sections_of(owner_id).where(OF_PRESENT_LIST)


def all_sections(viewer: Viewer) -> SelectQuery:
    """The sections `s` that aren't deleted of `all_lists`."""
    return visible("sections s", "s", viewer, "s.list_id").where("s.deleted_at IS NULL")


def visible_sections(viewer: Viewer) -> SelectQuery:
    """The sections `s` of `visible_lists`."""
    return all_sections(viewer).where(OF_PRESENT_LIST)


def key_of(id: UUID | None) -> UUID:
    """The key of a list or section, or of none."""
    return id or NOTHING
