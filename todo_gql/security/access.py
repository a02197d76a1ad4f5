"""Access control: the queries for the rows that a viewer may see, from which every read starts."""

import re
from functools import lru_cache
from typing import TypeAlias

from tortoise.models import Model

from todo_gql.database.models import Change, Session, Tag, Todo, User, column_types
from todo_gql.database.select import SelectQuery
from todo_gql.security.authentication import Viewer

Columns: TypeAlias = tuple[str, ...]


# Each set of columns needs statements of its own. A connection caches 100 prepared statements, and
# PostgreSQL needs 50 KB for each. The sets seen first are those of clients that repeat their queries.
MAX_COLUMN_SETS = 24
_column_sets: set[Columns] = set()
CAPITAL = re.compile("[A-Z]")
# Columns that are always selected.
ALWAYS_NEEDED = ("id", "deleted_at")
# Columns of limited length: all but these two.
BOUNDED_COLUMNS = set(column_types(Todo)) - {"description", "metadata"}
# The columns behind fields that are not named like their column.
SOURCE_COLUMNS = {
    "isOverdue": ("due_at", "status"),
    "isCompleted": ("status",),
    "owner": ("owner_id",),
    "history": ("owner_id",),
}


def columns(model: type[Model], alias: str, *, without: frozenset[str] = frozenset()) -> Columns:
    """The columns of a model, qualified with the alias of its table."""
    return tuple(f"{alias}.{name}" for name in column_types(model) if name not in without)


TODO_COLUMNS = columns(Todo, "t")
TAG_COLUMNS = columns(Tag, "g")
CHANGE_COLUMNS = columns(Change, "c")
SESSION_COLUMNS = columns(Session, "s", without=frozenset({"refresh_hash", "spent_hashes"}))
USER_COLUMNS = columns(User, "u", without=frozenset({"password_hash", "forgotten_change_id"}))


def change_at(number: str) -> str:
    """SQL for the id of the change with a number in the log of the user `u`, if it is known.

    Numbers have no gaps, so the change before the oldest stored one is the last that was deleted; its
    id is stored with the user.
    """
    return (
        f"coalesce((SELECT c.id FROM changes c WHERE c.owner_id = u.id AND c.seq = {number}),"
        " u.forgotten_change_id)"
    )


NEWEST_CHANGE = change_at("u.change_seq")

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


def _owned(source: str, alias: str, viewer: Viewer) -> SelectQuery:
    statement = SelectQuery(source)
    return statement.where(f"{alias}.owner_id = {statement.bind(viewer.id)}")


def all_todos(viewer: Viewer) -> SelectQuery:
    """The viewer's todos `t`, those in the trash too."""
    return _owned("todos t", "t", viewer)


@lru_cache(maxsize=1024)
def todo_columns(fields: frozenset[str], also: Columns = ()) -> Columns:
    """The columns of todos `t` behind these GraphQL fields, and the columns `also`.

    Above `MAX_COLUMN_SETS` distinct sets, all columns are returned, except that unselected ones of
    unbounded length (description and metadata) are still left out.
    """
    needed = {*ALWAYS_NEEDED, *also}
    for field in fields:
        needed.update(SOURCE_COLUMNS.get(field, (_in_snake_case(field),)))
    selected_columns = _qualified(needed)
    if selected_columns not in _column_sets and len(_column_sets) >= MAX_COLUMN_SETS:
        return _qualified(needed | BOUNDED_COLUMNS)
    _column_sets.add(selected_columns)
    return selected_columns


def _qualified(needed: set[str]) -> Columns:
    return tuple(f"t.{name}" for name in column_types(Todo) if name in needed)


def _in_snake_case(name: str) -> str:
    return CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", name)


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


def visible_todos(viewer: Viewer) -> SelectQuery:
    """The viewer's todos `t` outside the trash."""
    return all_todos(viewer).where("t.deleted_at IS NULL")


def trashed_todos(viewer: Viewer) -> SelectQuery:
    """The viewer's todos `t` in the trash."""
    return all_todos(viewer).where("t.deleted_at IS NOT NULL")


def all_tags(viewer: Viewer) -> SelectQuery:
    """The viewer's tags `g`, also those that only todos in the trash have."""
    return _owned("tags g", "g", viewer)


def visible_tags(viewer: Viewer) -> SelectQuery:
    """The viewer's tags `g` that a todo outside the trash has."""
    return all_tags(viewer).where("g.todo_count > 0")


def visible_changes(viewer: Viewer) -> SelectQuery:
    """The viewer's change log `c`."""
    return _owned("changes c", "c", viewer)


def open_sessions(viewer: Viewer) -> SelectQuery:
    """The viewer's sessions `s` that have neither ended nor expired."""
    statement = _owned("sessions s", "s", viewer)
    return statement.where("s.ended_at IS NULL").where("s.expires_at > now()")


def visible_users(viewer: Viewer) -> SelectQuery:
    """The accounts `u` that the viewer sees: their own, or all for a superuser."""
    statement = SelectQuery("users u")
    if not viewer.is_superuser:
        statement.where(f"u.id = {statement.bind(viewer.id)}")
    return statement
