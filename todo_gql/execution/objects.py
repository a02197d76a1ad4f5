"""Completing objects: those of one type together, interfaces and unions sorted out by type first."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from typing import Any

from graphql import GraphQLAbstractType, GraphQLError, GraphQLObjectType
from graphql.execution import default_type_resolver
from graphql.execution.executor import invalid_return_type_error

from todo_gql.execution.columns import Column, ValueTypes, has_awaitables, mapped, types_of
from todo_gql.execution.execution import Execution, await_column
from todo_gql.execution.nulls import complete_subset
from todo_gql.execution.paths import ResponsePaths
from todo_gql.execution.plan import PlannedField
from todo_gql.execution.rows import Rows, rows_of
from todo_gql.execution.strawberry_fields import are_surely, is_checked_by_class, origin_of


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
    """Complete values that are to be objects of one type, into the given dictionaries if any."""
    is_type_of = type_.is_type_of
    if type(values) is not Rows:
        rows = rows_of(values)
        if rows is not None and rows.row_type.type is origin_of(type_):
            values = rows
    if is_type_of is None or type(values) is Rows or are_surely(type_, values, value_types):
        return _selected(type_, execution, field, values, value_types, paths, into=into)
    infos: Any = (
        repeat(None, len(values))
        if is_checked_by_class(type_)
        else [execution.info(field, paths.field_path(index)) for index in range(len(values))]
    )
    verdicts = mapped(is_type_of, values, infos)

    def judge(verdicts: Column, into: list[dict[str, Any]] | None) -> Column:
        indexes = []
        for index, verdict in enumerate(verdicts):
            if isinstance(verdict, Exception):
                execution.fail(verdict, field, paths, index)
            elif verdict:
                indexes.append(index)
            else:
                error = invalid_return_type_error(type_, values[index], field.details)
                execution.fail(error, field, paths, index)
        if len(indexes) == len(values):
            return _selected(type_, execution, field, values, value_types, paths, into=into)
        part = None if into is None else [into[index] for index in indexes]
        complete = partial(_selected, type_)
        return complete_subset(complete, execution, field, values, paths, indexes, into=part)

    return _judged(execution, verdicts, judge, into)


def _judged(
    execution: Execution,
    verdicts: Column,
    judge: Callable[[Column, list[dict[str, Any]] | None], Column],
    into: list[dict[str, Any]] | None,
) -> Column:
    """What is judged by the verdicts, at once or, if these have to be awaited, later."""
    if not has_awaitables(verdicts, types_of(verdicts)):
        return judge(verdicts, into)
    objects: list[dict[str, Any]] = [{} for _ in verdicts] if into is None else into

    def judge_later(settled: Column) -> None:
        judge(settled, objects)

    execution.defer_until_awaited(await_column(verdicts), judge_later)
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
    """Complete values of several types, each type's together."""
    resolve_type = type_.resolve_type or default_type_resolver
    size = len(values)
    infos = [execution.info(field, paths.field_path(index)) for index in range(size)]
    names = mapped(resolve_type, values, infos, [type_] * size)

    def sort_out(names: Column, into: list[dict[str, Any]] | None) -> Column:
        indexes: dict[GraphQLObjectType, list[int]] = {}
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
                indexes.setdefault(runtime_type, []).append(index)
        completed: Column = [None] * size
        for runtime_type, indexes_of_type in indexes.items():
            part = None if into is None else [into[index] for index in indexes_of_type]
            complete = partial(complete_objects, runtime_type)
            done = complete_subset(
                complete, execution, field, values, paths, indexes_of_type, into=part
            )
            for index in indexes_of_type:
                completed[index] = done[index]
        return completed

    return _judged(execution, names, sort_out, None)
