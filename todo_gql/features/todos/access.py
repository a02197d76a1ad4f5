"""The todos and tags that a viewer may see: the queries from which every read of them starts."""

from collections.abc import Sequence
from uuid import UUID

from todo_gql.database.models import Tag, Todo
from todo_gql.database.select import Ranges, SelectQuery
from todo_gql.features.todos.list_access import LIST_OR_INBOX
from todo_gql.security.access import (
    IN_LIST_OF_OTHERS,
    SHARED_LISTS,
    Columns,
    bound_to_lists,
    columns,
    is_member,
    owned,
    visible,
)
from todo_gql.security.authentication import Viewer

# They follow from others, or are set by nothing yet.
UNREAD_COLUMNS = frozenset({"search_text", "due_on", "start_on", "series_id", "series_version"})
TODO_COLUMNS = columns(Todo, "t", without=UNREAD_COLUMNS)
TAG_COLUMNS = columns(Tag, "g")
SHARED_TAG_COUNT = (
    "CASE WHEN g.owner_id = $1 THEN g.todo_count ELSE (SELECT coalesce(sum(lt.todo_count), 0)::int"
    f" FROM {SHARED_LISTS} JOIN list_tags lt ON lt.owner_id = m.owner_id AND lt.list_id = m.list_id"
    f" WHERE {IN_LIST_OF_OTHERS} AND lt.owner_id = g.owner_id AND lt.tag_id = g.id) END"
)
"""How many todos the member `$1` sees that have a tag `g`: of others' tags those in lists shared with them."""
MEMBER_TAG_COLUMNS = tuple(
    f"{SHARED_TAG_COUNT} AS todo_count" if column == "g.todo_count" else column
    for column in TAG_COLUMNS
)
TODO_OF_MEMBER = f"(t.owner_id = $1 OR {is_member('t.list_id')})"
"""SQL: the member `$1` of lists of others sees a todo `t`, which may be in the trash."""
OF_LIST = f"t.owner_id = m.owner_id AND {LIST_OR_INBOX} = m.list_id"
# The index of the todos of lists, newest first, has what pages sort and usually filter by.
OF_COVERED_LIST = f"{OF_LIST} AND t.list_id IS NOT NULL"
OF_MEMBER = Ranges(
    alias="t",
    key=("owner_id", "id"),
    first="t.owner_id = $1",
    source=SHARED_LISTS,
    condition=IN_LIST_OF_OTHERS,
    of_each=OF_COVERED_LIST,
    in_order=(
        (LIST_OR_INBOX, OF_LIST),
        ("t.position", OF_LIST),
        ("t.created_at", OF_COVERED_LIST),
    ),
)
"""The todos `t` of the member `$1`, and those of each list of others that they are in."""


def todos_of(owner_id: UUID) -> SelectQuery:
    """An owner's todos `t`, those in the trash too; for callers that have checked access."""
    return owned("todos t", "t", owner_id)


def tags_of(owner_id: UUID) -> SelectQuery:
    """An owner's tags `g`, unused ones too; for callers that have checked access."""
    return owned("tags g", "g", owner_id)


def all_todos(viewer: Viewer) -> SelectQuery:
    """The todos `t` that the viewer sees, those in the trash too; for statements that ask for ids."""
    return visible("todos t", "t", viewer, "t.list_id")


def visible_todos(viewer: Viewer) -> SelectQuery:
    """The todos `t` outside the trash that the viewer sees; for statements that ask for ids."""
    return all_todos(viewer).where("t.deleted_at IS NULL")


def todo_ranges(viewer: Viewer) -> SelectQuery:
    """The same as `all_todos` for statements that read many: the viewer's todos, and those of each list."""
    if not viewer.is_member:
        return bound_to_lists(todos_of(viewer.id), viewer, "t.list_id")
    statement = SelectQuery("todos t", OF_MEMBER)
    statement.bind(viewer.id)
    return bound_to_lists(statement, viewer, "t.list_id")


def only_of_lists(statement: SelectQuery, ids: Sequence[UUID]) -> None:
    """Have a statement of `todo_ranges` that is about these lists read no other lists of other people."""
    if statement.ranges:
        condition = f"{statement.ranges.condition} AND m.list_id = ANY({statement.bind(list(ids))})"
        statement.ranges = statement.ranges._replace(condition=condition)


def shared_todos(viewer: Viewer) -> SelectQuery:
    """The todos `t` in lists of others that the viewer sees, those in the trash too."""
    statement = SelectQuery("todos t", OF_MEMBER._replace(first="FALSE"))
    statement.bind(viewer.id)
    return statement


def visible_tags(viewer: Viewer) -> SelectQuery:
    """The tags `g` that a todo outside the trash has which the viewer sees; with `tag_columns`.

    Of other people's tags the viewer sees those that are in use in lists shared with them.
    """
    if not viewer.is_member:
        return tags_of(viewer.id).where("g.todo_count > 0")
    statement = SelectQuery("tags g")
    own = f"g.owner_id = {statement.bind(viewer.id)}"
    return statement.where(
        f"({own} AND g.todo_count > 0 OR g.id IN (SELECT lt.tag_id FROM {SHARED_LISTS}"
        " JOIN list_tags lt ON lt.owner_id = m.owner_id AND lt.list_id = m.list_id"
        f" WHERE {IN_LIST_OF_OTHERS} AND lt.todo_count > 0))"
    )


def tag_columns(viewer: Viewer) -> Columns:
    """The columns of `visible_tags`."""
    return MEMBER_TAG_COLUMNS if viewer.is_member else TAG_COLUMNS


def owner_of_seen(viewer: Viewer, todo_id: str) -> str:
    """SQL for the owner of a todo that the viewer `$1` sees, whose id is an expression; null of others."""
    if not viewer.is_member:
        return "$1"
    rule = TODO_OF_MEMBER.replace("t.", "p.")
    return f"(SELECT p.owner_id FROM todos p WHERE p.id = {todo_id} AND {rule})"
