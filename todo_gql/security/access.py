"""What a viewer may see: where every read begins."""

import re
from functools import lru_cache
from typing import TypeAlias

from tortoise.models import Model

from todo_gql.database.models import Change, Session, Tag, Todo, User, column_types
from todo_gql.database.select import Statement
from todo_gql.security.authentication import Viewer

Columns: TypeAlias = tuple[str, ...]


# Each choice of columns makes statements of its own, of which a connection keeps 100 prepared, and
# PostgreSQL 50 KB for each. The choices made first are those of whoever asks the same again and again.
MOST_CHOICES = 24
_choices: set[Columns] = set()
CAPITAL = re.compile("[A-Z]")
# What is asked of a todo whatever it is wanted for, and fields that aren't named like their column.
ALWAYS_NEEDED = ("id", "deleted_at")
SHORT = set(column_types(Todo)) - {"description", "metadata"}
MADE_OF = {
    "isOverdue": ("due_at", "status"),
    "isCompleted": ("status",),
    "owner": ("owner_id",),
    "history": ("owner_id",),
}


def columns(model: type[Model], alias: str, *, without: frozenset[str] = frozenset()) -> Columns:
    """A model's columns, named by the alias of its table."""
    return tuple(f"{alias}.{name}" for name in column_types(model) if name not in without)


TODO_COLUMNS = columns(Todo, "t")
TAG_COLUMNS = columns(Tag, "g")
CHANGE_COLUMNS = columns(Change, "c")
SESSION_COLUMNS = columns(Session, "s", without=frozenset({"refresh_hash", "spent_hashes"}))
USER_COLUMNS = columns(User, "u", without=frozenset({"password_hash", "forgotten_change_id"}))


def change_at(number: str) -> str:
    """The id of the change with a number in the log of the user `u`, where it is known.

    Numbers have no gap, so of those that aren't kept the one before the oldest was forgotten last.
    """
    return (
        f"coalesce((SELECT c.id FROM changes c WHERE c.owner_id = u.id AND c.seq = {number}),"
        " u.forgotten_change_id)"
    )


NEWEST_CHANGE = change_at("u.change_seq")

_TAGS = (
    "todo_tags tt JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id"
    " WHERE tt.owner_id = t.owner_id AND tt.todo_id = t.id ORDER BY g.name"
)
# A todo's tags in alphabetical order, each as a list of texts or, where no more is asked for, as a
# name. Rows of their own would take a statement more, and arrays of records are slower to read.
TAGS_OF_TODO = (
    f"ARRAY(SELECT ARRAY[g.name, g.id::text, g.todo_count::text] FROM {_TAGS}) AS tag_rows"
)
TAG_NAMES_OF_TODO = f"ARRAY(SELECT g.name FROM {_TAGS}) AS tag_names"


def _owned(source: str, alias: str, viewer: Viewer) -> Statement:
    statement = Statement(source)
    return statement.where(f"{alias}.owner_id = {statement.bind(viewer.id)}")


def all_todos(viewer: Viewer) -> Statement:
    """The viewer's todos `t`, those in the trash too."""
    return _owned("todos t", "t", viewer)


@lru_cache(maxsize=1024)
def todo_columns(fields: frozenset[str], also: Columns = ()) -> Columns:
    """The columns of todos `t` that these fields of the schema are made of, and some by name.

    After many other choices it may be more than these, but never what can be long in vain.
    """
    needed = {*ALWAYS_NEEDED, *also}
    for field in fields:
        needed.update(MADE_OF.get(field, (_in_snake_case(field),)))
    chosen = _named(needed)
    if chosen not in _choices and len(_choices) >= MOST_CHOICES:
        return _named(needed | SHORT)
    _choices.add(chosen)
    return chosen


def _named(needed: set[str]) -> Columns:
    return tuple(f"t.{name}" for name in column_types(Todo) if name in needed)


def _in_snake_case(name: str) -> str:
    return CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", name)


@lru_cache(maxsize=1024)
def todo_by_id(columns: Columns, tags: str | None) -> str:
    """The text that finds the todo `$2` of owner `$1`, in the trash too, perhaps with its tags."""
    return _todos_where("t.id = $2", columns, tags)


@lru_cache(maxsize=1024)
def todos_by_ids(columns: Columns, tags: str | None) -> str:
    """As `todo_by_id`, for several ids; an array takes longer to send than an id."""
    return _todos_where("t.id = ANY($2)", columns, tags)


def _todos_where(condition: str, columns: Columns, tags: str | None) -> str:
    selected = (*columns, tags) if tags else columns
    return Statement("todos t").where("t.owner_id = $1").where(condition).select(selected)


def visible_todos(viewer: Viewer) -> Statement:
    """The viewer's todos `t` outside the trash."""
    return all_todos(viewer).where("t.deleted_at IS NULL")


def trashed_todos(viewer: Viewer) -> Statement:
    """The viewer's todos `t` in the trash."""
    return all_todos(viewer).where("t.deleted_at IS NOT NULL")


def all_tags(viewer: Viewer) -> Statement:
    """The viewer's tags `g`, those that only todos in the trash carry too."""
    return _owned("tags g", "g", viewer)


def visible_tags(viewer: Viewer) -> Statement:
    """The viewer's tags `g` that a todo outside the trash carries."""
    return all_tags(viewer).where("g.todo_count > 0")


def visible_changes(viewer: Viewer) -> Statement:
    """The viewer's change log `c`."""
    return _owned("changes c", "c", viewer)


def open_sessions(viewer: Viewer) -> Statement:
    """The viewer's sessions `s` that have neither ended nor expired."""
    statement = _owned("sessions s", "s", viewer)
    return statement.where("s.ended_at IS NULL").where("s.expires_at > now()")


def visible_users(viewer: Viewer) -> Statement:
    """The accounts `u` that the viewer sees: their own, or all for a superuser."""
    statement = Statement("users u")
    if not viewer.is_superuser:
        statement.where(f"u.id = {statement.bind(viewer.id)}")
    return statement
