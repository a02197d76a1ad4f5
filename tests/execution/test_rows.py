"""Rows of all kinds, valid and invalid, get the responses that graphql-core gives for objects."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from types import MappingProxyType
from typing import Any
from weakref import ref

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLSchema, execute, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig

from todo_gql.api.scalars import SCALARS, SERIALIZERS
from todo_gql.execution import (
    ColumnLoader,
    ConvertedColumn,
    Engine,
    RowType,
    loaded_rows,
    loaded_value,
)
from todo_gql.execution.row_compiler import MAX_COMPILED
from todo_gql.execution.rows import Row
from todo_gql.operation.dataloader import ColumnDataLoader


class Record:
    """A row like those of database drivers: a sequence of values with named columns."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.names, self.values = tuple(values), tuple(values.values())

    def keys(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.names

    def __getitem__(self, column: Any) -> Any:
        return self.values[self.names.index(column) if isinstance(column, str) else column]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)


@strawberry.enum
class Light(Enum):
    """How much sun a plant needs."""

    SHADE = 0
    SUN = 1


@strawberry.type
class Pest:
    """What eats a plant."""

    name: str
    legs: int | None


PESTS = RowType(Pest, name=0, legs=1)


class Greenhouse:
    """The context: what is loaded for plants for which nothing was prefetched."""

    def __init__(self) -> None:
        self.pests = ColumnDataLoader(self._pests)
        self.leaves = ColumnDataLoader(self._leaves)
        self.loaded: list[str] = []

    async def _pests(self, keys: list[int]) -> list[Sequence[Any]]:
        self.loaded.append("pests")
        return [[["aphid", key]] for key in keys]

    async def _leaves(self, keys: list[int]) -> list[int]:
        self.loaded.append("leaves")
        return list(keys)


def _pests_of(context: Greenhouse) -> ColumnLoader[int, Sequence[Row]]:
    return context.pests


def _leaves_of(context: Greenhouse) -> ColumnLoader[int, int]:
    return context.leaves


@strawberry.type
class Plant:
    """A plant with a field of each kind."""

    key: strawberry.Private[int]
    id: strawberry.ID
    name: str
    latin: str | None
    light: Light
    height: int | None
    width: float
    is_ill: bool
    sown_at: datetime
    cut_at: datetime | None
    pot: strawberry.scalars.JSON
    pests: Sequence[Pest] = loaded_rows(
        _pests_of, by="key", row_type=PESTS, prefetched_column="pest_rows"
    )
    leaves: int = loaded_value(_leaves_of, by="key", prefetched_column="leaf_count")

    @strawberry.field
    def shout(self) -> str:
        """A method, which needs the object."""
        return f"{self.name}!"

    @strawberry.field
    async def later(self) -> str | None:
        """A coroutine."""
        return self.latin


PLANTS = RowType(
    Plant,
    key="id",
    id=ConvertedColumn("id", str),
    name="name",
    latin="latin",
    light=ConvertedColumn("light", (Light.SHADE, Light.SUN).__getitem__),
    height="height",
    width="width",
    is_ill=lambda row, ill: row["name"] in ill,
    sown_at="sown_at",
    cut_at="cut_at",
    pot="pot",
)
ROWS: list[Any] = []


@strawberry.type
class Query:
    """The root of the schema."""

    @strawberry.field
    def plants(self) -> Sequence[Plant]:
        """All plants, as rows."""
        return PLANTS.objects(ROWS, "oak, elm")

    @strawberry.field
    def singles(self) -> list[Plant | None]:
        """All plants, as separate lazy objects."""
        return [PLANTS.lazy(row, "oak, elm") for row in ROWS]

    @strawberry.field
    def one(self) -> Plant | None:
        """The first plant."""
        return PLANTS.lazy(ROWS[0], "oak, elm") if ROWS else None


SCHEMA: GraphQLSchema = strawberry.Schema(
    Query, config=StrawberryConfig(scalar_map=SCALARS)
)._schema
LEAVES = "id name latin light height width isIll sownAt cutAt"
NOON = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "id": 1,
    "name": "oak",
    "latin": "quercus",
    "light": 1,
    "height": 12,
    "width": 1.5,
    "sown_at": NOON,
    "cut_at": None,
    "pot": {"size": 3},
}
PREFETCHED: dict[str, Any] = {"pest_rows": [["moth", 6], ["weevil", None]], "leaf_count": 7}
TUPLES: dict[str, Any] = {"pest_rows": [("moth", 6), ("weevil", None)], "leaf_count": 7}


async def by_both(
    text: str, rows: Sequence[Any]
) -> tuple[ExecutionResult, ExecutionResult, Greenhouse]:
    """The results of the engine and of graphql-core for these rows, and the engine's context."""
    document = parse(text)
    assert not validate(SCHEMA, document)
    ROWS[:] = rows
    engine, context = Engine(SCHEMA, SERIALIZERS), Greenhouse()
    operation = engine.prepare(document)
    assert operation is not None
    actual = await engine.execute(operation, context=context)
    running = execute(SCHEMA, document, context_value=Greenhouse())
    expected = running if isinstance(running, ExecutionResult) else await running
    return actual, expected, context


@pytest.mark.parametrize("kind", [dict, MappingProxyType, Record])
@pytest.mark.parametrize("prefetched", [PREFETCHED, TUPLES], ids=["lists", "tuples"])
@pytest.mark.parametrize("root", ["plants", "singles", "one"])
async def test_prefetched_values_are_read_from_rows_without_loading(
    root: str, prefetched: dict[str, Any], kind: Any
) -> None:
    """Leaves, lists of rows and prefetched values are read from records and mappings."""
    rows = [kind({**GOOD, **prefetched}), kind({**GOOD, **prefetched, "id": 2, "cut_at": NOON})]
    fields = f"{LEAVES} pests {{ name legs __typename }} leaves __typename shout pot"
    actual, expected, context = await by_both(f"{{ {root} {{ {fields} }} }}", rows)
    assert actual.formatted == expected.formatted
    assert actual.errors is None
    assert context.loaded == []


async def test_what_is_not_prefetched_is_loaded() -> None:
    """Values are loaded by key if the rows have no column for them."""
    text = "{ plants { pests { name legs } leaves } }"
    actual, expected, context = await by_both(text, [Record(GOOD), Record({**GOOD, "id": 2})])
    assert actual.formatted == expected.formatted
    assert sorted(context.loaded) == ["leaves", "pests"]


async def test_rows_of_different_layouts_are_distinguished() -> None:
    """Columns in another order, or with other names, are never confused."""
    swapped = {**GOOD, "name": GOOD["latin"], "latin": GOOD["name"]}
    renamed = {
        "latin" if k == "name" else "name" if k == "latin" else k: v for k, v in GOOD.items()
    }
    rows = [Record(GOOD), Record(renamed), swapped, {**PREFETCHED, **GOOD}]
    actual, expected, _ = await by_both("{ singles { name latin pests { name } } }", rows)
    assert actual.formatted == expected.formatted
    assert actual.errors is None


async def test_mappings_are_read_by_key() -> None:
    """The names of columns, which iterating over a mapping yields, are never used as values."""
    rows = [MappingProxyType(GOOD), MappingProxyType(GOOD)]
    actual, _, _ = await by_both("{ plants { name latin } }", rows)
    assert actual.data == {"plants": [{"name": "oak", "latin": "quercus"}] * 2}


async def test_a_selection_caches_a_limited_number_of_functions() -> None:
    """A selection caches at most MAX_COMPILED functions, however many layouts the rows have."""
    engine = Engine(SCHEMA, SERIALIZERS)
    operation = engine.prepare(parse("{ plants { name } }"))
    assert operation is not None
    for number in range(3 * MAX_COMPILED):
        ROWS[:] = [Record({**GOOD, f"key_{number}": number})]
        answer = await engine.execute(operation, context=Greenhouse())
        assert answer.data == {"plants": [{"name": "oak"}]}
    [plan] = operation.plans.values()
    [selection] = plan.fields[0].selections.values()
    assert len(selection.compiled) <= MAX_COMPILED


async def test_compiled_functions_are_freed_with_their_operation() -> None:
    """A compiled function is in no reference cycle, so that its selection is freed at once."""
    engine = Engine(SCHEMA, SERIALIZERS)
    operation = engine.prepare(parse("{ plants { pests { name } } }"))
    assert operation is not None
    ROWS[:] = [Record({**GOOD, **PREFETCHED})]
    await engine.execute(operation, context=Greenhouse())
    [plan] = operation.plans.values()
    [plants] = plan.fields[0].selections.values()
    [pests] = plants.fields[0].selections.values()
    selection = ref(pests)
    gc.collect()
    gc.disable()
    try:
        del operation, plan, plants, pests
        assert selection() is None
    finally:
        gc.enable()


MISFITS: dict[str, list[Any]] = {
    "name": ["elm", None, 5, ""],
    "latin": ["ulmus", None, 5],
    "light": [0, 1, 2, None],
    "height": [1, None, 2**31, -(2**31), "tall", True],
    "width": [0.5, None, float("nan"), 2],
    "sown_at": [
        NOON,
        None,
        NOON.replace(microsecond=0),
        "never",
        NOON.replace(tzinfo=timezone(timedelta(hours=1))),
    ],
    "cut_at": [NOON, None, 5],
    "pot": [{}, None],
    "pest_rows": [[], [["moth", 6]], [["moth", 2**31]], [[None, 1], ["fly", 2]], None],
    "leaf_count": [1, None, 2**31],
}


@given(data=st.data())
@settings(max_examples=300, deadline=None)
async def test_whatever_rows_hold_is_answered_alike(data: st.DataObject) -> None:
    """Values that don't fit their fields give graphql-core's nulls, errors and paths."""
    columns = [*GOOD, *data.draw(st.lists(st.sampled_from(list(PREFETCHED)), unique=True))]
    kind: Any = data.draw(st.sampled_from([dict, Record]))
    some = st.fixed_dictionaries(
        {
            name: st.sampled_from([(GOOD | PREFETCHED)[name]] * 5 + MISFITS.get(name, []))
            for name in columns
        }
    )
    drawn = data.draw(st.lists(some, max_size=4))
    # Under graphql-core, objects that wait for the same key are all cancelled if one of them is.
    rows = [
        kind({name: number if name == "id" else row[name] for name in columns})
        for number, row in enumerate(drawn)
    ]
    selectable = [
        *LEAVES.split(),
        "__typename",
        "pests { name legs }",
        "leaves",
        "shout",
        "pot",
        "later",
    ]
    fields = data.draw(st.lists(st.sampled_from(selectable), min_size=1, unique=True))
    root = data.draw(st.sampled_from(["plants", "singles", "one"]))
    actual, expected, _ = await by_both(f"{{ {root} {{ {' '.join(fields)} }} }}", rows)
    assert actual.data == expected.data
    # Which errors of awaited fields graphql-core reports depends on which field fails first.
    if {"pests { name legs }", "leaves", "later"}.isdisjoint(fields):
        assert actual.formatted == expected.formatted
    assert bool(actual.errors) == bool(expected.errors)
