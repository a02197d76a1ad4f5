"""What an operation selects, in a form that is the same for all documents that select the same."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from enum import Enum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    Undefined,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import (
    FieldDetailsList,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import get_argument_values

# Their texts tell them apart, and tell them wholly.
PLAIN: Final = (bool, int, float, str, bytes, Enum, UUID, datetime, date, time, type(None))


class Unknown(Exception):
    """An argument of which nobody can say whether it is the same as another one."""


def selected_below(executor: Executor[Any], type_: GraphQLObjectType) -> bytes | None:
    """A digest of what an operation selects of its root field, which gives a type.

    Two operations with the same digest get the same answer for the same object, byte for byte,
    unless that has errors, which tell of places in the document. The operation's name, its layout,
    its fragments, the arguments of the root field, and variables or literals for the same value
    make no difference; names in the answer and their order do. None if an argument can't be read.
    """
    try:
        return sha256("".join(Selecting(executor).root(type_)).encode()).digest()
    except (GraphQLError, Unknown, RecursionError, UnicodeError):
        return None


class Selecting:
    """Spells out what one operation selects, with the variables that it was sent with."""

    def __init__(self, executor: Executor[Any]) -> None:
        self.executor = executor

    def root(self, type_: GraphQLObjectType) -> Iterator[str]:
        """What is selected of the root field's type, under the root field's name in the answer."""
        one = self.executor
        root = one.schema.get_root_type(one.operation.operation)
        assert root
        fields = collect_fields(
            one.schema, one.fragments, one.variable_values, root, one.operation
        ).grouped_field_set
        for name, details in fields.items():
            yield f"{name}:{details[0].node.name.value}"
            yield from self._below(type_, details)

    def _below(self, parent: GraphQLObjectType, details: FieldDetailsList) -> Iterator[str]:
        one = self.executor
        fields = collect_subfields(
            one.schema, one.fragments, one.variable_values, one.operation, parent, details
        ).grouped_field_set
        yield "{"
        yield from self._fields(parent, fields)
        yield "}"

    def _fields(self, parent: GraphQLObjectType, fields: GroupedFieldSet) -> Iterator[str]:
        one = self.executor
        for name, details in fields.items():
            first = details[0]
            field = one.schema.get_field(parent, first.node.name.value)
            if field is None:
                raise Unknown
            arguments = get_argument_values(
                field, first.node, one.variable_values, first.fragment_variable_values
            )
            yield f"{name}:{first.node.name.value}({spelled(arguments) if arguments else ''})"
            type_ = get_named_type(field.type)
            if is_object_type(type_):
                yield from self._below(type_, details)
            elif is_abstract_type(type_):
                for possible in one.schema.get_possible_types(type_):
                    yield possible.name
                    yield from self._below(possible, details)


def spelled(value: object) -> str:
    """A coerced argument as text, whatever the order of its keys; `Unknown` if it has none."""
    if isinstance(value, PLAIN) or value is Undefined:
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key!r}:{spelled(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(spelled, value))}]"
    raise Unknown
