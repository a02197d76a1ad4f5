"""One operation under execution: the objects of a level, what is still awaited, and the errors."""

from asyncio import CancelledError, TaskGroup, ensure_future, gather
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import cached_property, partial
from math import inf
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    FragmentDefinitionNode,
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

from todo_gql.execution.columns import Column, has_awaitables, kinds_of
from todo_gql.execution.places import FieldPlaces, Nulled, Places
from todo_gql.execution.plan import PlannedField, Selection

Step: TypeAlias = Coroutine[Any, Any, list["Step"]]
"""Something awaited and completed, which returns the steps that it leads to."""


class Failure(NamedTuple):
    """An error, and the value that it took the place of."""

    error: Exception
    field: PlannedField
    places: Places
    place: int
    wave: int
    follows_items: bool


class Request(NamedTuple):
    """What graphql-core's executor is made from."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    variables: VariableValues
    context: Any
    root: Any


class Execution:
    """The state of one operation."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.context = request.context
        self.steps: list[Step] = []
        self.failures: list[Failure] = []
        self.collected = CollectedErrors()
        # How many awaits led to what is being completed: graphql-core reports what it finds
        # without waiting before anything that it has to wait for.
        self.wave = 0

    @cached_property
    def executor(self) -> Executor[Any]:
        """graphql-core's executor for the parts of its work that are the same for both."""
        request = self.request
        return Executor(
            request.schema,
            request.fragments,
            {name: FragmentDetails(fragment) for name, fragment in request.fragments.items()},
            request.root,
            request.context,
            request.operation,
            request.variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
        )

    def info(self, field: PlannedField, path: Path | None) -> GraphQLResolveInfo[Any]:
        """What a resolver may ask about the execution."""
        assert path is not None
        return self.executor.build_resolve_info(
            field.definition, field.nodes, field.parent_type, path
        )

    def fail(
        self,
        error: Exception,
        field: PlannedField,
        places: Places,
        index: int,
        *,
        follows_items: bool = False,
    ) -> None:
        """Put an error in the place of a value, or of the nearest thing around it that can be null.

        `follows_items` is an error that ends a list after some of its items.
        """
        self.failures.append(Failure(error, field, places, index, self.wave, follows_items))

    def select(
        self,
        selection: Selection,
        sources: Sequence[Any],
        places: Places,
        into: list[dict[str, Any]] | None = None,
    ) -> list[dict[str, Any]]:
        """What is selected of each source; fields that have to be awaited are filled in later."""
        columns: list[Column] = []
        late: list[tuple[Awaitable[Column], PlannedField, FieldPlaces]] = []
        for field in selection.fields:
            stands = FieldPlaces(
                places, field.name, field.parent_type.name, self.wave, nullable=field.nullable
            )
            values = field.resolve(self, field, sources, stands)
            if not isinstance(values, list):
                late.append((values, field, stands))
            elif has_awaitables(values, kinds := kinds_of(values)):
                late.append((awaited(values), field, stands))
            else:
                columns.append(field.complete(self, field, values, kinds, stands))
                continue
            stands.wave += 1
            columns.append([None] * len(sources))
        if into is not None:
            rows = into
            for row, cells in zip(rows, zip(*columns, strict=True), strict=bool(columns)):
                row.update(zip(selection.names, cells, strict=True))
        elif columns:
            rows = selection.rows(columns)
        else:
            rows = [{} for _ in sources]
        for awaitable, field, stands in late:
            self.later(awaitable, partial(self._fill, rows, field, stands))
        return rows

    def _fill(
        self, rows: list[dict[str, Any]], field: PlannedField, places: Places, values: Column
    ) -> None:
        """Complete the values of a field that were awaited, and put them into their objects."""
        completed = field.complete(self, field, values, kinds_of(values), places)
        for row, value in zip(rows, completed, strict=True):
            row[field.name] = value

    def later(self, values: Awaitable[Column], then: Callable[[Column], None]) -> None:
        """Have `then` called with a column that has to be awaited."""
        self.steps.append(self._step(values, then, self.wave + 1))

    async def _step(
        self, values: Awaitable[Column], then: Callable[[Column], None], wave: int
    ) -> list[Step]:
        column = await values
        self.wave = wave
        then(column)
        return self._taken()

    def _taken(self) -> list[Step]:
        steps, self.steps = self.steps, []
        return steps

    async def settle(self) -> None:
        """Await all that has to be awaited, and all that follows from it, side by side."""
        await _settled(self._taken())
        self.wave = 0

    def concluded(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """The data with nulls in the place of what failed; reports the errors.

        An error below something that is null already goes unreported.
        """
        if not self.failures:
            return data
        for found in sorted((_found(failure, data) for failure in self.failures), key=_when):
            nulled = found.nulled.path
            if self.collected.has_nulled_position(nulled):
                continue
            nodes, location = found.failure.field.nodes, found.path and found.path.as_list()
            error = located_error(found.failure.error, nodes, location)
            self.collected.add(error, nulled)
            if nulled is None:
                return None
            _clear(data, nulled.as_list())
        self.failures = []
        return data


async def awaited(values: Column) -> Column:
    """The column with everything in it awaited, side by side."""
    places = [index for index, value in enumerate(values) if is_awaitable(value)]
    values = values.copy()
    if len(places) == 1:
        # A task of its own for a single value would only cost.
        [place] = places
        try:
            values[place] = await values[place]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this value's error
            values[place] = error
        return values
    running = [ensure_future(values[place]) for place in places]
    results = await gather(*running, return_exceptions=True)
    for place, result in zip(places, results, strict=True):
        if isinstance(result, CancelledError):
            raise result
        values[place] = result
    return values


async def _settled(steps: list[Step]) -> None:
    while len(steps) == 1:
        steps = await steps[0]
    if steps:
        async with TaskGroup() as group:
            for step in steps:
                group.create_task(_settled([step]))


class _Found(NamedTuple):
    """A failure, its path, what it makes null, and where it lies in the answer."""

    failure: Failure
    path: Path | None
    nulled: Nulled
    order: list[float]


def _found(failure: Failure, data: dict[str, Any]) -> _Found:
    path = failure.places.path(failure.place)
    order: list[float] = []
    value: Any = data
    for key in path.as_list() if path else ():
        order.append(key if isinstance(key, int) else list(value).index(key))
        value = value[key]
    if failure.follows_items:
        order.append(inf)
    return _Found(failure, path, failure.places.nulled(failure.place), order)


def _when(found: _Found) -> tuple[int, int, list[float]]:
    """What decides when graphql-core would report a failure.

    What needs no waiting comes first, in the answer's own order. An error that makes something null
    that was waiting for it is reported after those that don't, since it has to get there first.
    """
    wave = found.failure.wave
    return wave, wave - found.nulled.wave, found.order


def _clear(data: dict[str, Any], path: list[str | int]) -> None:
    """Put null at the end of a path."""
    container: Any = data
    for key in path[:-1]:
        container = container[key]
    container[path[-1]] = None
