"""Completing lists: the items of a whole column of lists are one column."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

from graphql import GraphQLError, GraphQLOutputType, is_non_null_type, is_object_type
from graphql.pyutils import is_iterable
from graphql.pyutils.is_awaitable import is_async_iterable

from todo_gql.execution.columns import Column, ValueTypes, has_awaitables, split, types_of
from todo_gql.execution.execution import Execution, await_column
from todo_gql.execution.loaded_fields import LoadedColumn
from todo_gql.execution.paths import ItemPaths, ResponsePaths, SubsetPaths
from todo_gql.execution.plan import Complete, PlannedField
from todo_gql.execution.rows import Rows
from todo_gql.execution.strawberry_fields import origin_of


def list_completer(item_type: GraphQLOutputType, complete_items: Complete) -> Complete:
    """What completes lists of items, all lists' items at once."""
    nullable = not is_non_null_type(item_type)
    named = item_type.of_type if is_non_null_type(item_type) else item_type
    row_origin = origin_of(named) if is_object_type(named) else None

    def complete(
        execution: Execution,
        field: PlannedField,
        values: Sequence[Any],
        value_types: ValueTypes,
        paths: ResponsePaths,
        *,
        into: list[Column] | None = None,
    ) -> Column:
        if type(values) is LoadedColumn and values.row_type:
            rows = values.row_type.objects(list(chain.from_iterable(values)))
            items: Sequence[Any] = rows if rows.row_type.type is row_origin else rows.materialized
        elif value_types <= {list}:
            items = list(chain.from_iterable(values))
        elif value_types == {Rows}:
            items = _joined(values, row_origin)
        else:
            return _complete_iterables(complete, execution, field, values, paths)
        if not items:
            parts: list[Column] = [[] for _ in values]
            return parts if into is None else _filled(into, parts)
        item_types = {items.row_type.type} if type(items) is Rows else types_of(items)
        item_paths = ItemPaths(paths, values, nullable=nullable)
        if type(items) is Rows or not has_awaitables(items, item_types):
            completed = complete_items(execution, field, items, item_types, item_paths)
            parts = split(completed, values)
            return parts if into is None else _filled(into, parts)

        lists: list[Column] = [[] for _ in values] if into is None else into

        def fill(settled: Column) -> None:
            done = complete_items(execution, field, settled, types_of(settled), item_paths)
            _filled(lists, split(done, values))

        execution.defer_until_awaited(await_column(list(items)), fill)
        return lists

    return complete


def _filled(lists: list[Column], parts: list[Column]) -> list[Column]:
    for one, part in zip(lists, parts, strict=True):
        one[:] = part
    return lists


def _joined(parts: Sequence[Rows[Any]], origin: type | None) -> Sequence[Any]:
    """The rows of all parts, or their objects where rows can't stand for them."""
    rows = Rows.joined(parts)
    if rows is not None and rows.row_type.type is origin:
        return rows
    return list(chain.from_iterable(parts))


def _complete_iterables(
    complete: Complete,
    execution: Execution,
    field: PlannedField,
    values: Sequence[Any],
    paths: ResponsePaths,
) -> Column:
    """Complete whatever can be iterated over, once it is a list."""
    lists: list[Column | None] = [None] * len(values)
    drained: list[tuple[int, Column]] = []
    for index, value in enumerate(values):
        if is_async_iterable(value):
            into: Column = []
            lists[index] = into
            fill = partial(_fill_list, complete, execution, field, paths, index, into)
            execution.defer_until_awaited(_drained(value), fill)
        elif is_iterable(value):
            items: Column = []
            try:
                items.extend(value)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this list's error
                execution.fail(error, field, paths, index, follows_items=True)
            drained.append((index, items))
        else:
            execution.fail(_not_iterable(field), field, paths, index)
    indexes = [index for index, _ in drained]
    some = SubsetPaths(paths, indexes)
    completed = complete(execution, field, [items for _, items in drained], {list}, some)
    for index, items in zip(indexes, completed, strict=True):
        lists[index] = items
    return lists


async def _drained(iterable: Any) -> Column:
    """The items, and the exception that ended them if there is one."""
    items: Column = []
    try:
        async for item in iterable:
            items.append(item)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this list's error
        return [items, error]
    return [items, None]


def _fill_list(
    complete: Callable[..., Sequence[Any]],
    execution: Execution,
    field: PlannedField,
    paths: ResponsePaths,
    index: int,
    into: Column,
    drained: Column,
) -> None:
    items, error = drained
    if error is not None:
        execution.fail(error, field, paths, index, follows_items=True)
    some = SubsetPaths(paths, [index])
    complete(execution, field, [items], {list}, some, into=[into])


def _not_iterable(field: PlannedField) -> GraphQLError:
    name = f"{field.parent_type}.{field.field_name}"
    return GraphQLError(f"Expected Iterable, but did not find one for field '{name}'.")
