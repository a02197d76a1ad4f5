"""Filters and orders as JSON: the values of the inputs TodoFilter and TodoSort.

What is stored has to be checked again when it is read, since a newer release may have stored it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
)
from graphql.utilities import coerce_input_value
from strawberry import UNSET, Schema
from strawberry.utils.str_converters import to_camel_case

from todo_gql.api.errors import BadUserInput
from todo_gql.api.input_cost import ArgumentCostModel, value_cost
from todo_gql.api.keyset import Keyset
from todo_gql.api.node import parse_id
from todo_gql.api.scalars import serialize_time
from todo_gql.execution.strawberry_arguments import ArgumentConverters
from todo_gql.features.todos.filters import check_filter
from todo_gql.features.todos.inputs import TodoFilter, TodoSort
from todo_gql.features.todos.sorting import todo_keyset
from todo_gql.operation.context import Info

REFERENCES: Final = ("listId", "sectionId", "parentId", "assigneeId")
"""The parts of TodoFilter that name other things by their ids."""
COMBINED: Final = ("and", "or", "not")
OPERATORS: Final = ("eq", "in", "notIn")


class Reference(NamedTuple):
    """The id of a list, section, parent or assignee in a filter; `field` is the part of TodoFilter."""

    field: str
    id: UUID | None
    path: tuple[str, ...]


class ReadInputs(NamedTuple):
    """What a saved view asks for, read from its JSON."""

    todo_filter: TodoFilter
    keyset: Keyset


def as_json(value: Any) -> Any:
    """The JSON that an input, or a part of one, came from, without what is null."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, datetime):
        return serialize_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [as_json(item) for item in value]
    definition = getattr(value, "__strawberry_definition__", None)
    if definition is None:
        return value
    parts = {
        field.graphql_name or to_camel_case(field.python_name): getattr(value, field.python_name)
        for field in definition.fields
    }
    return {
        name: as_json(part)
        for name, part in parts.items()
        if part is not None and part is not UNSET
    }


def read_inputs(filter_json: Any, sort_json: Any, info: Info) -> ReadInputs | None:
    """What a view's JSON says; None where this release can't read it."""
    inputs = _inputs(info.schema)
    try:
        todo_filter = inputs.filter(filter_json, info)
        check_filter(todo_filter, info.context.now)
        return ReadInputs(todo_filter, todo_keyset(inputs.sort(sort_json, info)))
    except (GraphQLError, BadUserInput):
        return None


def price_of(filter_json: Any, sort_json: Any, info: Info) -> int:
    """What the filter and the order cost as arguments of `todos`."""
    sent = {"filter": filter_json, "sort": sort_json}
    return sum(
        value_cost(argument, sent[argument.name]) for argument in _inputs(info.schema).weighted
    )


class _Inputs:
    """The inputs of the field `todos` in one schema."""

    def __init__(self, schema: Schema) -> None:
        self.core: Any = schema._schema
        converters = ArgumentConverters(schema)
        self._convert_filter = converters.converter(TodoFilter)
        self._convert_sort = converters.converter(TodoSort)
        query: Any = schema._schema.query_type
        arguments = query.fields["todos"].args
        self.weighted = ArgumentCostModel().weighted(
            {name: arguments[name] for name in ("filter", "sort")}
        )

    def filter(self, value: Any, info: Info) -> TodoFilter:
        """The filter; `GraphQLError` if it is none."""
        named: GraphQLInputObjectType = self.core.type_map["TodoFilter"]
        coerced = _coerced(value, GraphQLNonNull(named))
        read: TodoFilter = self._convert_filter(coerced, info, ())
        return read

    def sort(self, value: Any, info: Info) -> list[TodoSort] | None:
        """The order; `GraphQLError` if it is none."""
        named: GraphQLInputObjectType = self.core.type_map["TodoSort"]
        coerced = _coerced(value, GraphQLList(GraphQLNonNull(named)))
        return coerced and [self._convert_sort(key, info, ()) for key in coerced]


def _coerced(value: Any, type_: GraphQLInputType) -> Any:
    coerced = coerce_input_value(value, type_)
    if coerced is Undefined:
        raise GraphQLError("This is no value of the input.")
    return coerced


@lru_cache(maxsize=4)
def _inputs(schema: Schema) -> _Inputs:
    return _Inputs(schema)


def references(filter_json: Any, path: tuple[str, ...] = ()) -> Iterator[Reference]:
    """The ids of other things in a filter, with their paths in it."""
    if not isinstance(filter_json, Mapping):
        return
    for name in COMBINED:
        parts = filter_json.get(name)
        if isinstance(parts, Sequence):
            for number, part in enumerate(parts):
                yield from references(part, (*path, name, str(number)))
        else:
            yield from references(parts, (*path, name))
    for field in REFERENCES:
        comparator = filter_json.get(field)
        if isinstance(comparator, Mapping):
            for operator in OPERATORS:
                yield from _ids(field, comparator.get(operator), (*path, field, operator))


def _ids(field: str, value: Any, path: tuple[str, ...]) -> Iterator[Reference]:
    if isinstance(value, str):
        yield Reference(field, parse_id(value), path)
    for number, item in enumerate(value if isinstance(value, list) else ()):
        yield from _ids(field, item, (*path, str(number)))
