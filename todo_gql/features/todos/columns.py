"""Which columns of todos an operation needs, and the SQL for their tags."""

from functools import cache, lru_cache
from typing import Final, NamedTuple

from todo_gql.database.select import SelectQuery
from todo_gql.features.todos.access import SHARED_TAG_COUNT, TODO_COLUMNS, TODO_OF_MEMBER
from todo_gql.features.todos.fields import stored_fields
from todo_gql.security.access import Columns


class ColumnGroup(NamedTuple):
    """Columns that are read only where one of these fields of Todo, by GraphQL name, is selected."""

    fields: frozenset[str]
    columns: frozenset[str]


PLACEMENT: Final = ColumnGroup(
    frozenset({"list", "section", "parent", "position", "progress", "assignee"}),
    frozenset(field.name for field in stored_fields() if field.is_placement),
)
VIEWER_TIME_ZONE: Final = "(SELECT u.time_zone FROM users u WHERE u.id = $1) AS viewer_time_zone"
"""In a statement about the todos of a viewer `$1`: the zone in which a day is over."""
DATES: Final = ColumnGroup(
    frozenset({"dueDate", "dueTimeZone", "startAt", "startDate", "isOverdue", "recurrence"}),
    frozenset(
        {"due_date", "due_time_zone", "start_at", "start_date", "viewer_time_zone", "recurrence"}
    ),
)
READ_COLUMNS: Final = (*TODO_COLUMNS, VIEWER_TIME_ZONE)
"""All columns from which Todo is read."""
# Each list of columns needs statements of its own, of which PostgreSQL keeps 50 KB each, so there are
# few groups: each field whose values may be long, what says where a todo stands, and days and moments.
GROUPS: Final = (
    *(
        ColumnGroup(frozenset({field.graphql_name}), frozenset({field.name}))
        for field in stored_fields()
        if field.max_bytes
    ),
    PLACEMENT,
    DATES,
)
GROUPED_FIELDS: Final = frozenset().union(*(group.fields for group in GROUPS))

TAGGINGS = "todo_tags tt JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id"
"""The rows of todo_tags `tt`, each with its tag `g`."""

TAGS_OF_EACH_TODO = f"{TAGGINGS} WHERE tt.owner_id = t.owner_id AND tt.todo_id = t.id"
"""The same, of the todo in a row `t`."""

TAG_NAMES = f"ARRAY(SELECT g.name::text FROM {TAGS_OF_EACH_TODO} ORDER BY g.name) AS tags"
"""The names of a todo's tags in alphabetical order."""

# Rows of their own would need another statement, and arrays of records are slower to decode.
TAG_ROWS = (
    "ARRAY(SELECT ARRAY[g.name, g.id::text, g.todo_count::text]"
    f" FROM {TAGS_OF_EACH_TODO} ORDER BY g.name) AS tag_rows"
)
"""A todo's tags in alphabetical order, each as an array of texts: name, id, number of todos."""

MEMBER_TAG_ROWS = TAG_ROWS.replace("g.todo_count", f"({SHARED_TAG_COUNT})")
"""The same for a member `$1` of lists of others."""

TAG_NAME_ROWS = f"ARRAY(SELECT ARRAY[g.name] FROM {TAGS_OF_EACH_TODO} ORDER BY g.name) AS tag_rows"
"""The same with names alone: another id and number for each tag take longer to decode than the rest."""

TAG_NAME_FIELDS: Final = frozenset({"name", "__typename"})

TAG_IS_UNUSED = """NOT EXISTS (
    SELECT FROM todo_tags tt WHERE tt.owner_id = g.owner_id AND tt.tag_id = g.id
)"""
"""SQL that is true for a tag `g` that no todo has, not even one in the trash."""


class TodoSelection(NamedTuple):
    """The columns of todos that an operation needs, and the SQL for their tags if they come along."""

    columns: Columns = READ_COLUMNS
    tags: str | None = None


def todo_columns(fields: frozenset[str]) -> Columns:
    """The columns of todos `t` if these GraphQL fields are selected: all but unselected groups."""
    return _columns_with(GROUPED_FIELDS & fields)


@cache
def _columns_with(fields: frozenset[str]) -> Columns:
    omitted = frozenset().union(*(group.columns for group in GROUPS if not group.fields & fields))
    return tuple(column for column in READ_COLUMNS if _name(column) not in omitted)


def _name(column: str) -> str:
    """The name of a column `t.name`, or of an expression `… AS name`."""
    return column.removeprefix("t.").rpartition(" AS ")[2]


def needs_names_only(tag_fields: frozenset[str]) -> bool:
    """Whether nothing but names is selected of tags."""
    return tag_fields <= TAG_NAME_FIELDS


@lru_cache(maxsize=1024)
def todo_by_id(
    columns: Columns, tags: str | None, *, is_member: bool, is_bound: bool = False
) -> str:
    """The SQL for the todo `$2` that the viewer `$1` sees, in the trash too; `tags` selects its tags.

    If it `is_bound`, the viewer's API token, `$3` has the lists that it is bound to.
    """
    return _todos_where("t.id = $2", columns, tags, is_member=is_member, is_bound=is_bound)


@lru_cache(maxsize=1024)
def todos_by_ids(
    columns: Columns, tags: str | None, *, is_member: bool, is_bound: bool = False
) -> str:
    """As `todo_by_id` for an array of ids `$2`, which takes longer to encode than one id."""
    return _todos_where("t.id = ANY($2)", columns, tags, is_member=is_member, is_bound=is_bound)


def _todos_where(
    condition: str, columns: Columns, tags: str | None, *, is_member: bool, is_bound: bool
) -> str:
    selected = (*columns, tags) if tags else columns
    rule = TODO_OF_MEMBER if is_member else "t.owner_id = $1"
    statement = SelectQuery("todos t").where(rule).where(condition)
    if is_bound:
        statement.where("t.list_id = ANY($3::uuid[])")
    return statement.select(selected)
