"""The fields of a todo, each declared once.

What follows from the entries: the fields of Todo and of its inputs (`types.py`, `inputs.py`), how values
are validated (`validation.py`), the state that is written (`state.py`, `write_sql.py`), what the change
log says (`history.py`), filters, also those of subscriptions, and sorting (`filters.py`,
`changes/filter_matching.py`, `sorting.py`), which columns are read (`columns.py`), and how many bytes of
an account's storage a todo takes (`storage.py`).

The order of the entries is that of the schema.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from inspect import get_annotations
from typing import Any, Final, NamedTuple, TypeVar, get_args
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.utils.str_converters import to_camel_case

from todo_gql.database.connection import Values
from todo_gql.database.models import Priority, Status
from todo_gql.execution import ConvertedColumn
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.canonical_json import NO_METADATA
from todo_gql.features.todos.comparators import (
    DateTimeComparator,
    IdComparator,
    NullableDateTimeComparator,
    TodoPriorityComparator,
    TodoStatusComparator,
)
from todo_gql.features.todos.enums import TodoPriority, TodoStatus
from todo_gql.features.todos.metadata import MAX_METADATA_BYTES, metadata
from todo_gql.features.todos.tag_names import read_tags
from todo_gql.features.todos.validators import Validator, enum_number, minutes, text, unchanged

MAX_DESCRIPTION: Final = 5_000
REQUIRED: Final = object()
"""The default of a field that every new todo has a value of."""


class Filter(NamedTuple):
    """A part of TodoFilter that compares a field: how, and its description for clients."""

    comparator: type
    description: str


@dataclass(frozen=True, kw_only=True)
class StoredField:
    """A stored value of a todo, and what can be done with it.

    `name` is its column, and in camel case its name in the schema. `graphql_type` is its type
    in the schema; whether it may be null follows from it. These are descriptions for clients, and without one the
    field isn't there: `description` makes it a field of Todo, `create`, `update` and `set_all` one of
    TodoCreateInput, TodoUpdateInput and TodoBulkAction (clients set what has a `validate` only), and
    `sort` a key to sort by. With a `filter` it is a part of TodoFilter.

    A new todo without a value gets the `default`, which is null if the field may be null. Null in an
    update stands for the default if its type may be null, or if the field is `clearable`.

    `logged` fields are in the change log; a `searched` one is a part of the text that
    `TodoFilter.search` looks through. `max_bytes` is how long a value may be in a response, for one
    that may be so long that it is read only where it is selected. The values of a field without
    `has_column` are in another table.
    """

    name: str
    graphql_type: Any
    description: str | None = None
    validate: Validator | None = None
    create: str | None = None
    update: str | None = None
    set_all: str | None = None
    filter: Filter | None = None
    sort: str | None = None
    default: object = REQUIRED
    clearable: bool = False
    logged: bool = True
    searched: bool = False
    max_bytes: int | None = None
    has_column: bool = True

    def __post_init__(self) -> None:
        """Raise `TypeError` for an entry that promises what can't be held."""
        if (self.create or self.update or self.set_all) and self.validate is None:
            raise TypeError(f"{self.name} needs a validator, since clients set it.")
        if self.filter and (self.update or self.set_all) and not self.logged:
            # Filtered subscriptions read the value before a change from the log.
            raise TypeError(f"{self.name} needs to be logged, since it is filtered and changes.")

    @property
    def graphql_name(self) -> str:
        """Its name in the schema."""
        return to_camel_case(self.name)

    @property
    def is_nullable(self) -> bool:
        """Whether its values may be null."""
        return type(None) in get_args(self.graphql_type)

    @property
    def value_type(self) -> Any:
        """Its type without null."""
        if not self.is_nullable:
            return self.graphql_type
        [value_type] = [type_ for type_ in get_args(self.graphql_type) if type_ is not type(None)]
        return value_type

    @property
    def enum(self) -> type[Enum] | None:
        """Its type, if that is an enum."""
        value_type = self.value_type
        return value_type if isinstance(value_type, type) and issubclass(value_type, Enum) else None

    def nullable(self, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A conversion of its values that leaves null as it is, if its values may be null."""
        if not self.is_nullable:
            return convert
        return lambda value: None if value is None else convert(value)

    @property
    def initial(self) -> object:
        """What a new todo has if nothing else is sent; `REQUIRED` if something must be."""
        return None if self.default is REQUIRED and self.is_nullable else self.default

    @property
    def value_for_null(self) -> object:
        """What null stands for in an update; `REQUIRED` if it is refused."""
        return self.initial if self.is_nullable or self.clearable else REQUIRED


@dataclass(frozen=True, kw_only=True)
class ComputedField:
    """A field of Todo that is computed from `columns` of its row.

    `source` is a converted column, or a function of the row and of the time of the operation.
    """

    name: str
    graphql_type: Any
    description: str
    columns: tuple[str, ...]
    source: ConvertedColumn | Callable[[Values, datetime], Any]

    @property
    def graphql_name(self) -> str:
        """Its name in the schema."""
        return to_camel_case(self.name)


def _is_overdue(row: Values, now: datetime) -> bool:
    due_at = row["due_at"]
    return due_at is not None and due_at < now and row["status"] in OPEN_STATUSES


TODO_FIELDS: tuple[StoredField | ComputedField, ...] = (
    # The interface Node has its description.
    StoredField(
        name="id", graphql_type=strawberry.ID, filter=Filter(IdComparator, "By id."), logged=False
    ),
    StoredField(name="owner_id", graphql_type=UUID, logged=False),
    StoredField(
        name="title",
        graphql_type=str,
        description="1 to 200 characters, trimmed.",
        validate=text(shortest=1, longest=200),
        create="1 to 200 characters after trimming.",
        update="1 to 200 characters after trimming; can't be cleared.",
        sort="Without regard to case.",
        searched=True,
    ),
    StoredField(
        name="description",
        graphql_type=str | None,
        description="Up to 5,000 characters, as typed.",
        validate=text(longest=MAX_DESCRIPTION, multiline=True, as_typed=True),
        create="Up to 5,000 characters.",
        update="Up to 5,000 characters.",
        searched=True,
        # A character has up to four bytes.
        max_bytes=4 * MAX_DESCRIPTION,
    ),
    StoredField(
        name="status",
        graphql_type=TodoStatus,
        description="Where it stands.",
        validate=enum_number,
        create="PENDING if absent.",
        update="Can't be cleared.",
        set_all="Give them this status.",
        filter=Filter(TodoStatusComparator, "By status."),
        sort="From PENDING to CANCELLED.",
        default=Status.PENDING.value,
    ),
    StoredField(
        name="priority",
        graphql_type=TodoPriority,
        description="How much it matters.",
        validate=enum_number,
        create="MEDIUM if absent.",
        update="Can't be cleared.",
        set_all="Give them this priority.",
        filter=Filter(TodoPriorityComparator, "By priority."),
        sort="From LOW to URGENT.",
        default=Priority.MEDIUM.value,
    ),
    StoredField(
        name="due_at",
        graphql_type=datetime | None,
        description="When it is to be done.",
        validate=unchanged,
        create="When it is to be done; may lie in the past.",
        update="May lie in the past.",
        filter=Filter(NullableDateTimeComparator, "By due date."),
        sort="When it is due.",
    ),
    # It follows the status.
    StoredField(
        name="completed_at",
        graphql_type=datetime | None,
        description="When it was completed; set exactly while status is COMPLETED.",
        filter=Filter(NullableDateTimeComparator, "By time of completion."),
        sort="When it was completed.",
    ),
    StoredField(
        name="estimated_minutes",
        graphql_type=int | None,
        description="Minutes it is thought to take.",
        validate=minutes,
        create="0 or more.",
        update="0 or more.",
    ),
    StoredField(
        name="actual_minutes",
        graphql_type=int | None,
        description="Minutes it took.",
        validate=minutes,
        update="0 or more.",
    ),
    # They are objects in `types.py`.
    StoredField(
        name="tags",
        graphql_type=list[str],
        validate=read_tags,
        create="At most 10; each 1 to 50 characters.",
        update="Replaces all tags; at most 10, each 1 to 50 characters.",
        default=(),
        clearable=True,
        has_column=False,
    ),
    StoredField(
        name="metadata",
        graphql_type=JSON,
        description="A JSON object for the client's own use, at most 16 KiB.",
        validate=metadata,
        create="A JSON object of at most 16 KiB.",
        update="Replaces the whole object; at most 16 KiB; null clears to {}.",
        default=NO_METADATA,
        clearable=True,
        max_bytes=MAX_METADATA_BYTES,
    ),
    ComputedField(
        name="is_overdue",
        graphql_type=bool,
        description="Whether it was due before now and is PENDING or IN_PROGRESS.",
        columns=("due_at", "status"),
        source=_is_overdue,
    ),
    ComputedField(
        name="is_completed",
        graphql_type=bool,
        description="Whether status is COMPLETED.",
        columns=("status",),
        source=ConvertedColumn("status", lambda status: status == Status.COMPLETED),
    ),
    StoredField(
        name="version",
        graphql_type=int,
        description="Raised by one with every change; pass it as `expectedVersion` to detect "
        "a lost update.",
        default=1,
        logged=False,
    ),
    StoredField(
        name="created_at",
        graphql_type=datetime,
        description="When it was made.",
        filter=Filter(DateTimeComparator, "By time of creation."),
        sort="When it was made.",
        logged=False,
    ),
    StoredField(
        name="updated_at",
        graphql_type=datetime,
        description="When it last changed.",
        filter=Filter(DateTimeComparator, "By time of the last change."),
        sort="When it last changed.",
        logged=False,
    ),
    StoredField(
        name="deleted_at", graphql_type=datetime | None, description="Set while it is in the trash."
    ),
)


def stored_fields() -> list[StoredField]:
    """The entries of all stored fields, in order."""
    return [field for field in TODO_FIELDS if isinstance(field, StoredField)]


def computed_fields() -> list[ComputedField]:
    """The entries of all computed fields, in order."""
    return [field for field in TODO_FIELDS if isinstance(field, ComputedField)]


Class = TypeVar("Class")


def with_fields(
    fields: Sequence[tuple[str, Any, Any]], *, before: str | None = None
) -> Callable[[type[Class]], type[Class]]:
    """A decorator that declares fields in a class that Strawberry then makes a type of.

    Each is a name, a type and what `strawberry.field` returned. They stand before the class's own
    field of the name `before`, or at the end.
    """

    def declare(cls: type[Class]) -> type[Class]:
        own = get_annotations(cls)
        position = list(own).index(before) if before else len(own)
        declared = {name: type_ for name, type_, _ in fields}
        cls.__annotations__ = dict(
            [*list(own.items())[:position], *declared.items(), *list(own.items())[position:]]
        )
        for name, _, field in fields:
            setattr(cls, name, field)
        return cls

    return declare
