"""Completing lists: the items of a whole column of lists are one column."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

from graphql import GraphQLError, GraphQLOutputType, is_non_null_type, is_object_type
from graphql.pyutils import is_iterable
from graphql.pyutils.is_awaitable import is_async_iterable

from todo_gql.execution.awaiting import await_column
from todo_gql.execution.columns import Column, ValueTypes, has_awaitables, split, types_of
from todo_gql.execution.execution import Execution
from todo_gql.execution.loaded_fields import LoadedColumn
from todo_gql.execution.paths import ItemPaths, ResponsePaths, SubsetPaths
from todo_gql.execution.plan import Complete, PlannedField
from todo_gql.execution.rows import Rows
from todo_gql.execution.strawberry_fields import origin_of


def list_completer(item_type: GraphQLOutputType, complete_items: Complete) -> Complete:
    """The function that completes columns of lists, the items of all lists at once."""
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
            return parts if into is None else _fill_lists(into, parts)
        item_types = {items.row_type.type} if type(items) is Rows else types_of(items)
        item_paths = ItemPaths(paths, values, nullable=nullable)
        if type(items) is Rows or not has_awaitables(items, item_types):
            completed = complete_items(execution, field, items, item_types, item_paths)
            parts = split(completed, values)
            return parts if into is None else _fill_lists(into, parts)

        lists: list[Column] = [[] for _ in values] if into is None else into

        def fill(awaited: Column) -> None:
            completed = complete_items(execution, field, awaited, types_of(awaited), item_paths)
            _fill_lists(lists, split(completed, values))

        execution.defer_until_awaited(await_column(list(items)), fill)
        return lists

    return complete


def _fill_lists(lists: list[Column], parts: list[Column]) -> list[Column]:
    for target, part in zip(lists, parts, strict=True):
        target[:] = part
    return lists


def _joined(parts: Sequence[Rows[Any]], origin: type | None) -> Sequence[Any]:
    """All rows as one sequence; their objects if layouts differ or they aren't of the item type."""
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
    """Complete all kinds of iterables, also asynchronous ones, after reading them into lists."""
    lists: list[Column | None] = [None] * len(values)
    read: list[tuple[int, Column]] = []
    for index, value in enumerate(values):
        if is_async_iterable(value):
            into: Column = []
            lists[index] = into
            fill = partial(_fill_list, complete, execution, field, paths, index, into)
            execution.defer_until_awaited(_read_async(value), fill)
        elif is_iterable(value):
            items: Column = []
            try:
                items.extend(value)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this list's error
                execution.fail(error, field, paths, index, follows_items=True)
            read.append((index, items))
        else:
            execution.fail(_not_iterable(field), field, paths, index)
    indexes = [index for index, _ in read]
    subset_paths = SubsetPaths(paths, indexes)
    completed = complete(execution, field, [items for _, items in read], {list}, subset_paths)
    for index, items in zip(indexes, completed, strict=True):
        lists[index] = items
    return lists


async def _read_async(iterable: Any) -> Column:
    """The items as a list, and the exception that ended them, or None."""
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
    read: Column,
) -> None:
    items, error = read
    if error is not None:
        execution.fail(error, field, paths, index, follows_items=True)
    subset_paths = SubsetPaths(paths, [index])
    complete(execution, field, [items], {list}, subset_paths, into=[into])


def _not_iterable(field: PlannedField) -> GraphQLError:
    name = f"{field.parent_type}.{field.field_name}"
    return GraphQLError(f"Expected Iterable, but did not find one for field '{name}'.")
