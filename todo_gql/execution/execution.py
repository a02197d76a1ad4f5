"""The execution of one operation: objects of a level, columns to be awaited, and errors."""

from collections.abc import Awaitable, Callable, Sequence
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

from todo_gql.execution.awaiting import Step, await_column, outcome, run_steps
from todo_gql.execution.columns import Column, has_awaitables, types_of
from todo_gql.execution.current import HELPERS
from todo_gql.execution.loaded_fields import LoadedColumn
from todo_gql.execution.null_propagation import Failure, locate, report_order, set_null
from todo_gql.execution.paths import ROOT, FieldPaths, ResponsePaths, SubsetPaths
from todo_gql.execution.plan import PlannedField, Selection
from todo_gql.execution.row_compiler import compile_selection
from todo_gql.execution.rows import Rows

PendingColumn: TypeAlias = tuple[int, Awaitable[Column] | Column, PlannedField, FieldPaths]
"""A field's index in the selection, its column, the field, and the paths of its values.

The column has to be awaited, or holds a single value that has to be.
"""
_field_index: Callable[[PendingColumn], int] = itemgetter(0)


class Execution:
    """The state of one operation.

    `before_completion` is called and awaited before each column that was awaited is completed, which
    isn't interrupted.
    """

    before_completion: Callable[[], Awaitable[None]] | None = None

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
        # The number of sequential awaits before the values that are being completed: graphql-core
        # reports errors that need no waiting before all others.
        self.await_depth = 0
        # Whether it awaits no more than one thing at a time.
        self.is_single_branch = True

    @property
    def errors(self) -> list[GraphQLError] | None:
        """The errors reported so far; None if there are none."""
        return self.collected.errors if self.collected else None

    @cached_property
    def executor(self) -> Executor[Any]:
        """graphql-core's executor, for the parts of its work that are the same in both engines."""
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
        # Its own helpers would form a reference cycle, which would keep the variables until the
        # garbage collector runs.
        executor.async_helpers = HELPERS
        return executor

    def info(self, field: PlannedField, path: Path | None) -> GraphQLResolveInfo[Any]:
        """The `info` argument of resolvers; `path` must not be None, the path of the root."""
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
        """The selection for a field's objects of one type; raises `GraphQLError`."""
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
        """Record the error of a value; the nearest nullable value around it will become null.

        `follows_items` marks an error that ends a list after some of its items.
        """
        self.failures.append(Failure(error, field, paths, index, self.await_depth, follows_items))

    def select(
        self,
        selection: Selection,
        sources: Sequence[Any],
        paths: ResponsePaths,
        into: list[dict[str, Any]] | None = None,
    ) -> list[dict[str, Any]]:
        """The selection of each source; fields that have to be awaited are filled in later.

        With `into`, the fields are added to these dictionaries, one for each source.
        """
        pending: list[PendingColumn] = []
        objects: list[dict[str, Any]] | None = None
        if type(sources) is Rows and into is None:
            objects = self._select_compiled(selection, sources, paths, pending)
        if objects is None:
            objects = self._select_by_field(selection, sources, paths, pending, into)
        if len(pending) > 1:
            pending.sort(key=_field_index)
        for _, awaitable, field, field_paths in pending:
            self.defer_until_awaited(awaitable, partial(self._fill_in, objects, field, field_paths))
        return objects

    def _select_compiled(
        self,
        selection: Selection,
        sources: Rows[Any],
        paths: ResponsePaths,
        pending: list[PendingColumn],
    ) -> list[dict[str, Any]] | None:
        """The selection of rows, by its compiled form; None if there is none for them."""
        compiled = compile_selection(selection, self.subselect, sources.row_type, sources.rows)
        if compiled is None:
            return None
        other_columns = [
            self._resolve_column(index, field, sources, paths, pending)
            for index, field in compiled.other_fields
        ]
        try:
            objects = compiled.make(sources.rows, sources.extras, other_columns)
        except Exception:  # noqa: BLE001 - executing fields one by one finds whose error it is
            objects = None
        if objects is not None:
            return objects
        columns: list[Sequence[Any]] = [()] * len(selection.fields)
        for (index, _), column in zip(compiled.other_fields, other_columns, strict=True):
            columns[index] = column
        for index, field in compiled.compiled_fields:
            columns[index] = self._resolve_column(index, field, sources, paths, pending)
        return selection.build_objects(columns)

    def _select_by_field(
        self,
        selection: Selection,
        sources: Sequence[Any],
        paths: ResponsePaths,
        pending: list[PendingColumn],
        into: list[dict[str, Any]] | None,
    ) -> list[dict[str, Any]]:
        """The selection of each source, field by field."""
        size = len(sources)
        columns: list[Sequence[Any]] = [()] * len(selection.fields)
        read = None if type(sources) is Rows else selection.read_attributes(sources)
        if read is not None:
            for (index, field), values in zip(selection.attribute_fields, read, strict=True):
                serializer = field.strategy.batch_serializer
                completed = serializer.serialize_column(values) if serializer else None
                if completed is None:
                    field_paths = self._field_paths(field, paths)
                    completed = self._complete_or_defer(
                        index, field, list(values), size, field_paths, pending
                    )
                columns[index] = completed
        for index, field in selection.indexed_fields if read is None else selection.other_fields:
            columns[index] = self._resolve_column(index, field, sources, paths, pending)
        if into is None:
            return selection.build_objects(columns) if columns else [{} for _ in sources]
        for obj, cells in zip(into, zip(*columns, strict=False), strict=bool(columns)):
            obj.update(zip(selection.names, cells, strict=True))
        return into

    def _resolve_column(
        self,
        index: int,
        field: PlannedField,
        sources: Sequence[Any],
        paths: ResponsePaths,
        pending: list[PendingColumn],
    ) -> Sequence[Any]:
        """The column of a field, completed, or nulls if it is pending."""
        field_paths = self._field_paths(field, paths)
        values = field.resolve(self, field, sources, field_paths)
        return self._complete_or_defer(index, field, values, len(sources), field_paths, pending)

    async def execute_root_field(
        self, field: PlannedField, root: Any, data: dict[str, Any]
    ) -> None:
        """Execute a single field of the root and all below it, and put it into `data`."""
        pending: list[PendingColumn] = []
        [value] = self._resolve_column(0, field, [root], ROOT, pending)
        if pending:
            [(_, values, _, paths)] = pending
            # Awaited here: a task or another coroutine would cost as much as a small operation.
            try:
                column = [await values[0]] if isinstance(values, list) else await values
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this field's error
                column = [error]
            if self.before_completion is not None:
                await self.before_completion()
            self.await_depth = 1
            [value] = self._complete_column(field, column, paths)
        data[field.name] = value
        if self.steps:
            await self.run_pending()
        self.await_depth = 0

    def _field_paths(self, field: PlannedField, paths: ResponsePaths) -> FieldPaths:
        return FieldPaths(
            paths, field.name, field.parent_type.name, self.await_depth, field.nullable
        )

    def _complete_or_defer(
        self,
        index: int,
        field: PlannedField,
        values: Column | Awaitable[Column],
        size: int,
        field_paths: FieldPaths,
        pending: list[PendingColumn],
    ) -> Sequence[Any]:
        """The completed column; nulls if it has to be awaited, which is added to `pending`."""
        if type(values) is LoadedColumn:
            # Cached values still count as one await, so that error order matches graphql-core.
            field_paths.await_depth += 1
            self.await_depth += 1
            completed = self._complete_loaded(field, values, field_paths)
            self.await_depth -= 1
            return completed
        if not isinstance(values, list) or (size == 1 and type(values[0]) is CoroutineType):
            pending.append((index, values, field, field_paths))
        elif has_awaitables(values, value_types := types_of(values)):
            pending.append(
                (index, values if size == 1 else await_column(values), field, field_paths)
            )
        else:
            return field.complete(self, field, values, value_types, field_paths)
        field_paths.await_depth += 1
        return [None] * size

    def _complete_loaded(
        self, field: PlannedField, values: LoadedColumn, paths: ResponsePaths
    ) -> Sequence[Any]:
        """Complete loaded values, each only once if the results can be shared."""
        unique = values.unique
        if unique is not None and field.selects_only_leaves(self):
            failures = len(self.failures)
            first_paths = SubsetPaths(paths, values.first_indexes)
            completed = field.complete(self, field, unique, types_of(unique), first_paths)
            if len(self.failures) == failures:
                return list(map(completed.__getitem__, values.indexes))
            # Every value has to report the error, not only the first of equal ones.
            del self.failures[failures:]
        return field.complete(self, field, values, types_of(values), paths)

    def _complete_column(
        self, field: PlannedField, values: Column, paths: ResponsePaths
    ) -> Sequence[Any]:
        if type(values) is LoadedColumn:
            return self._complete_loaded(field, values, paths)
        return field.complete(self, field, values, types_of(values), paths)

    def _fill_in(
        self,
        objects: list[dict[str, Any]],
        field: PlannedField,
        paths: ResponsePaths,
        values: Column,
    ) -> None:
        """Complete the awaited values of a field, and put them into their objects."""
        completed = self._complete_column(field, values, paths)
        for obj, value in zip(objects, completed, strict=True):
            obj[field.name] = value

    def defer_until_awaited(
        self, values: Awaitable[Column] | Column, then: Callable[[Column], None]
    ) -> None:
        """Call `then` with a column once it, or its only value, has been awaited."""
        self.steps.append(self._step(values, then, self.await_depth + 1))

    async def _step(
        self, values: Awaitable[Column] | Column, then: Callable[[Column], None], await_depth: int
    ) -> list[Step]:
        column = [await outcome(values[0])] if isinstance(values, list) else await values
        if self.before_completion is not None:
            await self.before_completion()
        self.await_depth = await_depth
        then(column)
        return self._pop_steps()

    def _pop_steps(self) -> list[Step]:
        steps, self.steps = self.steps, []
        return steps

    async def run_pending(self) -> None:
        """Await all pending columns, and all that follow from them, concurrently."""
        steps = self._pop_steps()
        while len(steps) == 1:
            steps = await steps[0]
        if steps:
            self.is_single_branch = False
            await run_steps(steps)
        self.await_depth = 0

    def with_nulls(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """The data with null propagation applied; None if the whole of it is null. Reports errors.

        An error below a value that is null already isn't reported.
        """
        if not self.failures:
            return data
        collected = self.collected = self.collected or CollectedErrors()
        for located in sorted(
            (locate(failure, data) for failure in self.failures), key=report_order
        ):
            null_target = located.null_target.path
            if collected.has_nulled_position(null_target):
                continue
            nodes, path = located.failure.field.nodes, located.path and located.path.as_list()
            error = located_error(located.failure.error, nodes, path)
            collected.add(error, null_target)
            if null_target is None:
                return None
            set_null(data, null_target.as_list())
        self.failures = []
        return data
