"""Completing objects: all of one type together, those of abstract types grouped by type first."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from typing import Any

from graphql import GraphQLAbstractType, GraphQLError, GraphQLObjectType
from graphql.execution import default_type_resolver
from graphql.execution.executor import invalid_return_type_error

from todo_gql.execution.awaiting import await_column
from todo_gql.execution.columns import Column, ValueTypes, has_awaitables, mapped, types_of
from todo_gql.execution.execution import Execution
from todo_gql.execution.nulls import complete_subset
from todo_gql.execution.paths import ResponsePaths
from todo_gql.execution.plan import PlannedField
from todo_gql.execution.rows import Rows, rows_of
from todo_gql.execution.strawberry_fields import are_all_of, is_checked_by_class, origin_of


def complete_objects(
    type_: GraphQLObjectType,
    execution: Execution,
    field: PlannedField,
    values: Sequence[Any],
    value_types: ValueTypes,
    paths: ResponsePaths,
    *,
    into: list[dict[str, Any]] | None = None,
) -> Column:
    """Complete objects of one type, into the dictionaries `into` if there are any.

    Values that aren't of the type are errors.
    """
    is_type_of = type_.is_type_of
    if type(values) is not Rows:
        rows = rows_of(values)
        if rows is not None and rows.row_type.type is origin_of(type_):
            values = rows
    if is_type_of is None or type(values) is Rows or are_all_of(type_, values, value_types):
        return _selected(type_, execution, field, values, value_types, paths, into=into)
    infos: Any = (
        repeat(None, len(values))
        if is_checked_by_class(type_)
        else [execution.info(field, paths.field_path(index)) for index in range(len(values))]
    )
    results = mapped(is_type_of, values, infos)

    def check(results: Column, into: list[dict[str, Any]] | None) -> Column:
        indexes = []
        for index, result in enumerate(results):
            if isinstance(result, Exception):
                execution.fail(result, field, paths, index)
            elif result:
                indexes.append(index)
            else:
                error = invalid_return_type_error(type_, values[index], field.details)
                execution.fail(error, field, paths, index)
        if len(indexes) == len(values):
            return _selected(type_, execution, field, values, value_types, paths, into=into)
        part = None if into is None else [into[index] for index in indexes]
        complete = partial(_selected, type_)
        return complete_subset(complete, execution, field, values, paths, indexes, into=part)

    return _when_checked(execution, results, check, into)


def _when_checked(
    execution: Execution,
    results: Column,
    then: Callable[[Column, list[dict[str, Any]] | None], Column],
    into: list[dict[str, Any]] | None,
) -> Column:
    """Call `then` with these results of type checks, or later if some of them have to be awaited.

    The objects to be filled in later are returned at once.
    """
    if not has_awaitables(results, types_of(results)):
        return then(results, into)
    objects: list[dict[str, Any]] = [{} for _ in results] if into is None else into

    def check_later(awaited: Column) -> None:
        then(awaited, objects)

    execution.defer_until_awaited(await_column(results), check_later)
    return objects


def _selected(
    type_: GraphQLObjectType,
    execution: Execution,
    field: PlannedField,
    values: Sequence[Any],
    _value_types: ValueTypes,
    paths: ResponsePaths,
    *,
    into: list[dict[str, Any]] | None,
) -> Column:
    try:
        selection = field.subselect(execution, field, type_)
    except (GraphQLError, RecursionError) as error:
        for index in range(len(values)):
            execution.fail(error, field, paths, index)
        return [None] * len(values)
    return execution.select(selection, values, paths, into)


def complete_abstract(
    type_: GraphQLAbstractType,
    execution: Execution,
    field: PlannedField,
    values: Sequence[Any],
    _value_types: ValueTypes,
    paths: ResponsePaths,
) -> Column:
    """Complete values of an interface or union, those of each runtime type together."""
    resolve_type = type_.resolve_type or default_type_resolver
    size = len(values)
    infos = [execution.info(field, paths.field_path(index)) for index in range(size)]
    names = mapped(resolve_type, values, infos, [type_] * size)

    def group_by_type(names: Column, into: list[dict[str, Any]] | None) -> Column:
        indexes_by_type: dict[GraphQLObjectType, list[int]] = {}
        for index, name in enumerate(names):
            try:
                if isinstance(name, Exception):
                    raise name
                runtime_type = execution.executor.ensure_valid_runtime_type(
                    name, type_, field.details, infos[index], values[index]
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this value's error
                execution.fail(error, field, paths, index)
            else:
                indexes_by_type.setdefault(runtime_type, []).append(index)
        completed: Column = [None] * size
        for runtime_type, indexes_of_type in indexes_by_type.items():
            part = None if into is None else [into[index] for index in indexes_of_type]
            complete = partial(complete_objects, runtime_type)
            done = complete_subset(
                complete, execution, field, values, paths, indexes_of_type, into=part
            )
            for index in indexes_of_type:
                completed[index] = done[index]
        return completed

    return _when_checked(execution, names, group_by_type, None)
