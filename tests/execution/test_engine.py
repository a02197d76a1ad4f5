"""The engine's own rules: cached plans, fallbacks to graphql-core, and order of execution."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DirectiveLocation,
    GraphQLBoolean,
    GraphQLDirective,
    GraphQLField,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    build_schema,
    parse,
)

from todo_gql.execution import Engine, Operation
from todo_gql.execution.engine import MAX_PLANS

SCHEMA = build_schema(
    """
    type Query { number: Int again(a: Boolean, b: Boolean): Int self: Query }
    type Mutation { one: Int! two: Int! }
    type Subscription { number: Int }
    """
)


def prepared(engine: Engine, text: str, name: str | None = None) -> Operation:
    """An operation of the document, prepared."""
    operation = engine.prepare(parse(text), name)
    assert operation is not None
    return operation


def test_the_example_of_the_readme_prints_its_output(project: Path) -> None:
    """The program in the engine's README prints what the README says."""
    text = (project / "todo_gql" / "execution" / "README.md").read_text()
    _, program, rest = re.split(r"```python\n|```\n\nprints\n", text)
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert printed.stdout.decode() in rest
    assert printed.stdout


def test_an_unknown_operation_is_not_prepared() -> None:
    """`prepare` needs an operation's name where the document has several."""
    engine = Engine(SCHEMA)
    document = parse("query A { number } mutation B { one }")
    assert engine.prepare(document) is None
    assert engine.prepare(document, "C") is None
    operation = engine.prepare(document, "B")
    assert operation is not None
    assert operation.type is OperationType.MUTATION


async def test_fallbacks_to_graphql_core_are_counted() -> None:
    """A subscription operation is executed by graphql-core and counted in `fallbacks`."""
    engine = Engine(SCHEMA)
    operation = prepared(engine, "subscription { number }")
    result = await engine.execute(operation, root={"number": 1})
    assert (result.data, engine.fallbacks) == ({"number": 1}, 1)


@pytest.mark.parametrize(
    "text",
    [
        "{ number @stream }",
        "{ ... @defer { number } }",
        "query @experimental_disableErrorPropagation { number }",
    ],
)
def test_directives_that_change_execution_are_not_covered(text: str) -> None:
    """Operations with @defer, @stream and the like are left to graphql-core."""
    assert not prepared(Engine(SCHEMA), text).is_covered


def test_fragments_with_arguments_are_not_covered() -> None:
    """Fragment variables, an experiment of graphql-core, are left to it."""
    text = "{ ...F(a: true) } fragment F($a: Boolean) on Query { again(a: $a) }"
    operation = Engine(SCHEMA).prepare(parse(text, experimental_fragment_arguments=True))
    assert operation is not None
    assert not operation.is_covered


def test_schemas_with_incremental_delivery_are_not_covered() -> None:
    """Schemas that define @defer are left to graphql-core, whose `execute` rejects them."""
    defer = GraphQLDirective("defer", [DirectiveLocation.FIELD], {})
    query = GraphQLObjectType("Query", {"number": GraphQLField(GraphQLInt)})
    assert not prepared(Engine(GraphQLSchema(query, directives=[defer])), "{ number }").is_covered


async def test_too_deep_nesting_is_an_error() -> None:
    """An operation too deep for Python's stack gets an error, and doesn't crash the server."""
    engine = Engine(SCHEMA)
    root: dict[str, Any] = {}
    root["self"] = root
    fragments = [f"fragment F{n} on Query {{ self {{ ...F{n + 1} }} }}" for n in range(500)]
    last = "fragment F500 on Query { __typename }"
    operation = prepared(engine, "\n".join(["{ ...F0 }", *fragments, last]))
    result = await engine.execute(operation, root=root)
    assert result.errors is not None
    [error] = result.errors
    assert "too deeply" in error.message or "recursion depth" in error.message


async def test_the_engine_can_be_switched_off() -> None:
    """graphql-core executes everything where `breadth_first` is off, without counting fallbacks."""
    engine = Engine(SCHEMA, breadth_first=False)
    result = await engine.execute(prepared(engine, "{ number }"), root={"number": 1})
    assert (result.data, engine.fallbacks) == ({"number": 1}, 0)


async def test_an_operation_caches_a_limited_number_of_plans() -> None:
    """Each result of @skip and @include has its own plan, and at most MAX_PLANS are cached."""
    engine = Engine(SCHEMA)
    names = [f"v{index}" for index in range(5)]
    operation = prepared(
        engine,
        f"query ({', '.join(f'${name}: Boolean!' for name in names)}) {{"
        + " ".join(f"{name}: number @skip(if: ${name})" for name in names)
        + "}",
    )
    for bits in range(2 ** len(names)):
        skipped = {name: bool(bits >> index & 1) for index, name in enumerate(names)}
        result = await engine.execute(operation, variables=skipped, root={"number": 1})
        assert result.data == {name: 1 for name in names if not skipped[name]}
        assert len(operation.plans) <= MAX_PLANS


async def test_mutations_are_executed_one_by_one() -> None:
    """Each root field starts after the one before it has ended, and none after `data` is null."""
    done: list[str] = []

    async def resolve(_source: Any, info: GraphQLResolveInfo[Any]) -> int | None:
        done.append(f"begin {info.field_name}")
        await asyncio.sleep(0)
        done.append(f"end {info.field_name}")
        return None if info.field_name == "two" else 1

    field = GraphQLField(GraphQLNonNull(GraphQLInt), resolve=resolve)
    schema = GraphQLSchema(
        GraphQLObjectType("Query", {"one": field}),
        GraphQLObjectType("Mutation", {"one": field, "two": field, "three": field}),
    )
    engine = Engine(schema)
    result = await engine.execute(prepared(engine, "mutation { one two three }"))
    assert result.data is None
    assert [error.path for error in result.errors or ()] == [["two"]]
    assert done == ["begin one", "end one", "begin two", "end two"]


async def test_cancelling_an_execution_cancels_its_resolvers() -> None:
    """Cancelling an execution cancels every resolver that waits."""
    begun: asyncio.Queue[str] = asyncio.Queue()
    cancelled: list[str] = []

    async def resolve(_source: Any, info: GraphQLResolveInfo[Any]) -> None:
        begun.put_nowait(info.field_name)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(info.field_name)
            raise

    field = GraphQLField(GraphQLBoolean, resolve=resolve)
    engine = Engine(GraphQLSchema(GraphQLObjectType("Query", {"one": field, "two": field})))
    running = asyncio.ensure_future(engine.execute(prepared(engine, "{ one two }")))
    assert {await begun.get(), await begun.get()} == {"one", "two"}
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(cancelled) == ["one", "two"]
