"""One operation under execution: the objects of a level, what is still awaited, and the errors."""

from asyncio import CancelledError, TaskGroup, ensure_future, gather
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from functools import cached_property, partial
from operator import itemgetter
from types import CoroutineType
from typing import Any, TypeAlias

from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    located_error,
)
from graphql.execution import (
    Executor,
    VariableValues,
    default_field_resolver,
    default_type_resolver,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.executor import CollectedErrors
from graphql.pyutils import Path, is_awaitable
from graphql.type.definition import GraphQLResolveInfoHelpers

from todo_gql.execution.columns import Column, has_awaitables, types_of
from todo_gql.execution.loaded_fields import Loaded
from todo_gql.execution.null_propagation import Failure, locate, report_order, set_null
from todo_gql.execution.paths import ROOT, FieldPaths, ResponsePaths, SubsetPaths
from todo_gql.execution.plan import PlannedField, Selection
from todo_gql.execution.row_compiler import compile_selection
from todo_gql.execution.rows import Rows

Step: TypeAlias = Coroutine[Any, Any, list["Step"]]
"""Something awaited and completed, which returns the steps that it leads to."""

Late: TypeAlias = tuple[int, Awaitable[Column] | Column, PlannedField, FieldPaths]
"""A column that has to be awaited, or whose only value has to be, after its field's index in the selection."""
_field_index: Callable[[Late], int] = itemgetter(0)


running: ContextVar["Execution | None"] = ContextVar("running", default=None)
"""The operation that the engine executes just now."""


def others_may_ask() -> bool:
    """Whether anything else of the current operation may ask a loader before it comes to rest."""
    execution = running.get()
    return execution is None or not execution.runs_alone


# Only few resolvers ask for these, and graphql-core's executor takes as long to make as a small
# operation does.
def _gather(values: Sequence[Awaitable[Any]]) -> Awaitable[list[Any]]:
    execution = running.get()
    assert execution is not None
    return execution.executor.gather_async_work(values)


def _track(values: Sequence[Any]) -> None:
    execution = running.get()
    assert execution is not None
    execution.executor.track_async_work(values)


HELPERS = GraphQLResolveInfoHelpers(_gather, _track)


class Execution:
    """The state of one operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        variables: VariableValues,
        context: Any,
        root: Any,
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.fragments = fragments
        self.variables = variables
        self.context = context
        self.root = root
        self.steps: list[Step] = []
        self.failures: list[Failure] = []
        self.collected: CollectedErrors | None = None
        # How many awaits led to what is being completed: graphql-core reports what it finds
        # without waiting before anything that it has to wait for.
        self.await_depth = 0
        # Whether no two resolvers or loaders of it can be under way at the same time.
        self.runs_alone = True

    @property
    def errors(self) -> list[GraphQLError] | None:
        """The errors that were found so far, None if there are none."""
        return self.collected.errors if self.collected else None

    @cached_property
    def executor(self) -> Executor[Any]:
        """graphql-core's executor for the parts of its work that are the same for both."""
        executor: Executor[Any] = Executor(
            self.schema,
            self.fragments,
            {name: FragmentDetails(fragment) for name, fragment in self.fragments.items()},
            self.root,
            self.context,
            self.operation,
            self.variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
        )
        # Its own refer to it, so that it would hold the variables until the garbage collector runs.
        executor.async_helpers = HELPERS
        return executor

    def info(self, field: PlannedField, path: Path | None) -> GraphQLResolveInfo[Any]:
        """What a resolver may ask about the execution."""
        assert path is not None
        return GraphQLResolveInfo(
            field.field_name,
            field.nodes,
            field.type,
            field.parent_type,
            path,
            self.schema,
            self.fragments,
            self.root,
            self.operation,
            self.variables,
            self.context,
            is_awaitable,
            None,
            HELPERS,
        )

    def subselect(self, field: PlannedField, type_: GraphQLObjectType) -> Selection:
        """What is selected of a field's objects of one type."""
        return field.subselect(self, field, type_)

    def fail(
        self,
        error: Exception,
        field: PlannedField,
        paths: ResponsePaths,
        index: int,
        *,
        follows_items: bool = False,
    ) -> None:
        """Report an error in the stead of a value; the nearest nullable value around it becomes null.

        `follows_items` is an error that ends a list after some of its items.
        """
        self.failures.append(Failure(error, field, paths, index, self.await_depth, follows_items))

    def select(
        self,
        selection: Selection,
        sources: Sequence[Any],
        paths: ResponsePaths,
        into: list[dict[str, Any]] | None = None,
    ) -> list[dict[str, Any]]:
        """What is selected of each source; fields that have to be awaited are filled in later."""
        late: list[Late] = []
        rows: list[dict[str, Any]] | None = None
        if type(sources) is Rows and into is None:
            rows = self._select_compiled(selection, sources, paths, late)
        if rows is None:
            rows = self._select_by_field(selection, sources, paths, late, into)
        if len(late) > 1:
            late.sort(key=_field_index)
        for _, awaitable, field, field_paths in late:
            self.later(awaitable, partial(self._fill, rows, field, field_paths))
        return rows

    def _select_compiled(
        self, selection: Selection, sources: Rows[Any], paths: ResponsePaths, late: list[Late]
    ) -> list[dict[str, Any]] | None:
        """What is selected of rows, all at once; None if they have to be walked through."""
        compiled = compile_selection(selection, self.subselect, sources.row_type, sources.rows)
        if compiled is None:
            return None
        others = [
            self._had(index, field, sources, paths, late) for index, field in compiled.other_fields
        ]
        try:
            rows = compiled.make(sources.rows, sources.given, others)
        except Exception:  # noqa: BLE001 - having them one by one finds whose error it is
            rows = None
        if rows is not None:
            return rows
        columns: list[Sequence[Any]] = [()] * len(selection.fields)
        for (index, _), column in zip(compiled.other_fields, others, strict=True):
            columns[index] = column
        for index, field in compiled.compiled_fields:
            columns[index] = self._had(index, field, sources, paths, late)
        return selection.rows(columns)

    def _select_by_field(
        self,
        selection: Selection,
        sources: Sequence[Any],
        paths: ResponsePaths,
        late: list[Late],
        into: list[dict[str, Any]] | None,
    ) -> list[dict[str, Any]]:
        """What is selected of each source, field by field, put into dictionaries if any are given."""
        size = len(sources)
        columns: list[Sequence[Any]] = [()] * len(selection.fields)
        read = None if type(sources) is Rows else selection.read(sources)
        if read is not None:
            for (index, field), values in zip(selection.attributes, read, strict=True):
                serializer = field.way.batch_serializer
                done = serializer.serialize_column(values) if serializer else None
                if done is None:
                    field_paths = self._field_paths(field, paths)
                    done = self._completed(index, field, list(values), size, field_paths, late)
                columns[index] = done
        for index, field in selection.everything if read is None else selection.others:
            columns[index] = self._had(index, field, sources, paths, late)
        if into is None:
            return selection.rows(columns) if columns else [{} for _ in sources]
        for row, cells in zip(into, zip(*columns, strict=False), strict=bool(columns)):
            row.update(zip(selection.names, cells, strict=True))
        return into

    def _had(
        self,
        index: int,
        field: PlannedField,
        sources: Sequence[Any],
        paths: ResponsePaths,
        late: list[Late],
    ) -> Sequence[Any]:
        """The column of a field that takes a way of its own."""
        field_paths = self._field_paths(field, paths)
        had = field.resolve(self, field, sources, field_paths)
        return self._completed(index, field, had, len(sources), field_paths, late)

    async def fill(self, field: PlannedField, root: Any, data: dict[str, Any]) -> None:
        """Execute a field of the root by itself, with all that follows from it."""
        late: list[Late] = []
        [value] = self._had(0, field, [root], ROOT, late)
        if late:
            [(_, values, _, paths)] = late
            # A task, or only a coroutine more, would cost what a small operation does elsewhere.
            try:
                column = [await values[0]] if isinstance(values, list) else await values
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this field's error
                column = [error]
            self.await_depth = 1
            [value] = self._complete(field, column, paths)
        data[field.name] = value
        if self.steps:
            await self.settle()
        self.await_depth = 0

    def _field_paths(self, field: PlannedField, paths: ResponsePaths) -> FieldPaths:
        return FieldPaths(
            paths, field.name, field.parent_type.name, self.await_depth, field.nullable
        )

    def _completed(
        self,
        index: int,
        field: PlannedField,
        values: Column | Awaitable[Column],
        size: int,
        field_paths: FieldPaths,
        late: list[Late],
    ) -> Sequence[Any]:
        """The completed column, or nulls in its stead until it has been awaited."""
        if type(values) is Loaded:
            # They are there, but graphql-core would have awaited them.
            field_paths.await_depth += 1
            self.await_depth += 1
            completed = self._complete_loaded(field, values, field_paths)
            self.await_depth -= 1
            return completed
        if not isinstance(values, list) or (size == 1 and type(values[0]) is CoroutineType):
            late.append((index, values, field, field_paths))
        elif has_awaitables(values, value_types := types_of(values)):
            late.append((index, values if size == 1 else awaited(values), field, field_paths))
        else:
            return field.complete(self, field, values, value_types, field_paths)
        field_paths.await_depth += 1
        return [None] * size

    def _complete_loaded(
        self, field: PlannedField, values: Loaded, paths: ResponsePaths
    ) -> Sequence[Any]:
        """Complete loaded values, each once where that gives the same."""
        once = values.once
        if once is not None and field.selects_only_leaves(self):
            failures = len(self.failures)
            some = SubsetPaths(paths, values.firsts)
            completed = field.complete(self, field, once, types_of(once), some)
            if len(self.failures) == failures:
                return list(map(completed.__getitem__, values.which))
            # Each of them is to have the error.
            del self.failures[failures:]
        return field.complete(self, field, values, types_of(values), paths)

    def _complete(self, field: PlannedField, values: Column, paths: ResponsePaths) -> Sequence[Any]:
        if type(values) is Loaded:
            return self._complete_loaded(field, values, paths)
        return field.complete(self, field, values, types_of(values), paths)

    def _fill(
        self, rows: list[dict[str, Any]], field: PlannedField, paths: ResponsePaths, values: Column
    ) -> None:
        """Complete the values of a field that were awaited, and put them into their objects."""
        completed = self._complete(field, values, paths)
        for row, value in zip(rows, completed, strict=True):
            row[field.name] = value

    def later(self, values: Awaitable[Column] | Column, then: Callable[[Column], None]) -> None:
        """Have `then` called with a column that has to be awaited, or whose only value has to."""
        self.steps.append(self._step(values, then, self.await_depth + 1))

    async def _step(
        self, values: Awaitable[Column] | Column, then: Callable[[Column], None], await_depth: int
    ) -> list[Step]:
        column = [await _outcome(values[0])] if isinstance(values, list) else await values
        self.await_depth = await_depth
        then(column)
        return self._taken()

    def _taken(self) -> list[Step]:
        steps, self.steps = self.steps, []
        return steps

    async def settle(self) -> None:
        """Await all that has to be awaited, and all that follows from it, side by side."""
        steps = self._taken()
        while len(steps) == 1:
            steps = await steps[0]
        if steps:
            self.runs_alone = False
            await _settled(steps)
        self.await_depth = 0

    def concluded(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """The data with nulls where something failed; reports the errors.

        An error below something that is null already goes unreported.
        """
        if not self.failures:
            return data
        collected = self.collected = self.collected or CollectedErrors()
        for found in sorted((locate(failure, data) for failure in self.failures), key=report_order):
            null_target = found.null_target.path
            if collected.has_nulled_position(null_target):
                continue
            nodes, location = found.failure.field.nodes, found.path and found.path.as_list()
            error = located_error(found.failure.error, nodes, location)
            collected.add(error, null_target)
            if null_target is None:
                return None
            set_null(data, null_target.as_list())
        self.failures = []
        return data


async def _outcome(value: Awaitable[Any]) -> Any:
    """What a value comes to, or the exception that it fails with."""
    try:
        return await value
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this value's error
        return error


async def awaited(values: Column) -> Column:
    """The column with everything in it awaited, side by side."""
    indexes = [index for index, value in enumerate(values) if is_awaitable(value)]
    values = values.copy()
    if len(indexes) == 1:
        [index] = indexes
        values[index] = await _outcome(values[index])
        return values
    if execution := running.get():
        execution.runs_alone = False
    futures = [ensure_future(values[index]) for index in indexes]
    results = await gather(*futures, return_exceptions=True)
    for index, result in zip(indexes, results, strict=True):
        if isinstance(result, CancelledError):
            raise result
        values[index] = result
    return values


async def _settled(steps: list[Step]) -> None:
    while len(steps) == 1:
        steps = await steps[0]
    if steps:
        async with TaskGroup() as group:
            for step in steps:
                group.create_task(_settled([step]))
