"""What the table of fields says of a field, and how a type gets fields from the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from inspect import get_annotations
from typing import Any, Final, NamedTuple, TypeVar, get_args

from strawberry.utils.str_converters import to_camel_case

from todo_gql.database.connection import Values
from todo_gql.execution import ConvertedColumn
from todo_gql.features.todos.validators import Validator

REQUIRED: Final = object()
"""The default of a field that every new todo has a value of."""


class Filter(NamedTuple):
    """A part of TodoFilter that compares a field: how, and its description for clients.

    The comparator is one of `comparators.py`, or `bool` for a field that is true or false.
    """

    comparator: type
    description: str


@dataclass(frozen=True, kw_only=True)
class StoredField:
    """A stored value of a todo, and what can be done with it.

    `name` is its column, and in camel case its name in the schema. `graphql_type` is its type in the
    schema; whether it may be null follows from it. These are descriptions for clients, and without one the
    field isn't there: `description` makes it a field of Todo, `create`, `update` and `set_all` one of
    TodoCreateInput, TodoUpdateInput and TodoBulkAction (clients set what has a `validate` only), and
    `sort` a key to sort by. With a `filter` it is a part of TodoFilter.

    A new todo without a value gets the `default`, which is null if the field may be null. Null in an
    update stands for the default if its type may be null, or if the field is `clearable`.

    `logged` fields are in the change log; a `searched` one is a part of the text that
    `TodoFilter.search` looks through. `max_bytes` is how long a value may be in a response, for one
    that may be so long that it is read only where it is selected. The values of a field without
    `has_column` are in another table.

    A field that `is_generated` gets its first value from the server: the change log has it from the
    first change on that sets another, and it counts into no quota. The fields that say where a todo
    stands, and who of those there is to do it (`is_placement`), are read and written only where one of
    them is needed.
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
    is_generated: bool = False
    is_placement: bool = False

    def __post_init__(self) -> None:
        """Raise `TypeError` for an entry that promises what can't be held."""
        if (self.create or self.update or self.set_all) and self.validate is None:
            raise TypeError(f"{self.name} needs a validator, since clients set it.")
        if self.sort and self.max_bytes:
            raise TypeError(f"{self.name} is too long to sort by: cursors hold its values.")
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
