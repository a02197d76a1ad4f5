"""Which columns of todos an operation needs, and the SQL for their tags."""

from functools import lru_cache
from typing import NamedTuple

from todo_gql.database.models import Todo, column_types
from todo_gql.database.select import SelectQuery
from todo_gql.features.todos.access import TODO_COLUMNS
from todo_gql.features.todos.fields import computed_fields, stored_fields
from todo_gql.security.access import Columns

# Each set of columns needs statements of its own. A connection caches 100 prepared statements, and
# PostgreSQL needs 50 KB for each. The sets seen first are those of clients that repeat their queries.
MAX_COLUMN_SETS = 24
_column_sets: set[Columns] = set()
# Columns that are always selected.
ALWAYS_NEEDED = ("id", "deleted_at")
# Columns that are read only where they are selected, since their values may be long.
LONG_COLUMNS = {field.name for field in stored_fields() if field.max_bytes}
BOUNDED_COLUMNS = set(column_types(Todo)) - LONG_COLUMNS
# The columns behind the fields of Todo.
SOURCE_COLUMNS: dict[str, tuple[str, ...]] = {
    **{field.graphql_name: (field.name,) for field in stored_fields()},
    **{field.graphql_name: field.columns for field in computed_fields()},
    "owner": ("owner_id",),
    "history": ("owner_id",),
}
TAG_NAME_FIELDS = frozenset({"name", "__typename"})

TAGGINGS = "todo_tags tt JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id"
"""The rows of todo_tags `tt`, each with its tag `g`."""

TAGS_OF_EACH_TODO = f"{TAGGINGS} WHERE tt.owner_id = t.owner_id AND tt.todo_id = t.id"
"""The same, of the todo in a row `t`."""

_TAGS = f"{TAGS_OF_EACH_TODO} ORDER BY g.name"
# A todo's tags in alphabetical order, as arrays of texts, or as names if nothing else is selected.
# Rows of their own would need another statement, and arrays of records are slower to decode.
TAGS_OF_TODO = (
    f"ARRAY(SELECT ARRAY[g.name, g.id::text, g.todo_count::text] FROM {_TAGS}) AS tag_rows"
)
TAG_NAMES_OF_TODO = f"ARRAY(SELECT g.name FROM {_TAGS}) AS tag_names"


class TodoSelection(NamedTuple):
    """The columns of todos that an operation needs, and the SQL that selects their tags."""

    columns: Columns = TODO_COLUMNS
    tags: str | None = None


def selects_names_only(tag_fields: frozenset[str]) -> bool:
    """Whether the operation selects nothing of tags but their names."""
    return bool(tag_fields) and tag_fields <= TAG_NAME_FIELDS


@lru_cache(maxsize=1024)
def todo_columns(fields: frozenset[str], also: Columns = ()) -> Columns:
    """The columns of todos `t` behind these GraphQL fields, and the columns `also`.

    Above `MAX_COLUMN_SETS` distinct sets, all columns are returned, except that unselected long
    ones are still left out.
    """
    needed = {*ALWAYS_NEEDED, *also}
    for field in fields:
        needed.update(SOURCE_COLUMNS.get(field, ()))
    selected_columns = _qualified(needed)
    if selected_columns not in _column_sets and len(_column_sets) >= MAX_COLUMN_SETS:
        return _qualified(needed | BOUNDED_COLUMNS)
    _column_sets.add(selected_columns)
    return selected_columns


def _qualified(needed: set[str]) -> Columns:
    return tuple(f"t.{name}" for name in column_types(Todo) if name in needed)


@lru_cache(maxsize=1024)
def todo_by_id(columns: Columns, tags: str | None) -> str:
    """The SQL for the todo `$2` of owner `$1`, in the trash too; `tags` selects its tags."""
    return _todos_where("t.id = $2", columns, tags)


@lru_cache(maxsize=1024)
def todos_by_ids(columns: Columns, tags: str | None) -> str:
    """As `todo_by_id` for an array of ids `$2`, which takes longer to encode than one id."""
    return _todos_where("t.id = ANY($2)", columns, tags)


def _todos_where(condition: str, columns: Columns, tags: str | None) -> str:
    selected = (*columns, tags) if tags else columns
    return SelectQuery("todos t").where("t.owner_id = $1").where(condition).select(selected)
