"""A digest of what an operation selects, equal for all documents that select the same.

Subscriptions with the same digest and owner share the bodies of their events.
"""

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

# Types whose `repr` is different for different values.
REPR_TYPES: Final = (bool, int, float, str, bytes, Enum, UUID, datetime, date, time, type(None))


class NotCanonical(Exception):
    """An argument value without a canonical text."""


def selection_digest(executor: Executor[Any], type_: GraphQLObjectType) -> bytes | None:
    """The SHA-256 digest of what an operation selects of its root field of type `type_`.

    Two operations with the same digest get the same response for the same object, byte for byte,
    unless it has errors, since these contain locations in the document. The operation's name, its
    white space, its fragments, the arguments of the root field, and whether a value is a variable or
    a literal make no difference; response names and their order do. None if an argument is invalid
    or has no canonical text.
    """
    try:
        return sha256("".join(_CanonicalSelection(executor).root(type_)).encode()).digest()
    except (GraphQLError, NotCanonical, RecursionError, UnicodeError):
        return None


class _CanonicalSelection:
    """Writes the selection of one operation, with its variables, as canonical text."""

    def __init__(self, executor: Executor[Any]) -> None:
        self.executor = executor

    def root(self, type_: GraphQLObjectType) -> Iterator[str]:
        """The selection of the root field's type, after the root field's response name."""
        executor = self.executor
        root = executor.schema.get_root_type(executor.operation.operation)
        assert root
        fields = collect_fields(
            executor.schema, executor.fragments, executor.variable_values, root, executor.operation
        ).grouped_field_set
        for name, details in fields.items():
            yield f"{name}:{details[0].node.name.value}"
            yield from self._subselection(type_, details)

    def _subselection(self, parent: GraphQLObjectType, details: FieldDetailsList) -> Iterator[str]:
        executor = self.executor
        fields = collect_subfields(
            executor.schema,
            executor.fragments,
            executor.variable_values,
            executor.operation,
            parent,
            details,
        ).grouped_field_set
        yield "{"
        yield from self._fields(parent, fields)
        yield "}"

    def _fields(self, parent: GraphQLObjectType, fields: GroupedFieldSet) -> Iterator[str]:
        executor = self.executor
        for name, details in fields.items():
            first = details[0]
            field = executor.schema.get_field(parent, first.node.name.value)
            if field is None:
                raise NotCanonical
            arguments = get_argument_values(
                field, first.node, executor.variable_values, first.fragment_variable_values
            )
            yield f"{name}:{first.node.name.value}({canonical(arguments) if arguments else ''})"
            type_ = get_named_type(field.type)
            if is_object_type(type_):
                yield from self._subselection(type_, details)
            elif is_abstract_type(type_):
                for possible in executor.schema.get_possible_types(type_):
                    yield possible.name
                    yield from self._subselection(possible, details)


def canonical(value: object) -> str:
    """A coerced argument as text, keys sorted; raises `NotCanonical` for unknown types."""
    if isinstance(value, REPR_TYPES) or value is Undefined:
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key!r}:{canonical(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(canonical, value))}]"
    raise NotCanonical
