"""The engine against graphql-core: the same answers, to the byte, for operations made at random.

There are 2,000 of them, or as many as DIFFERENTIAL_OPERATIONS says.
"""

import gc
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult, GraphQLSchema, execute, get_introspection_query, parse
from starlette.types import ASGIApp

from tests.conftest import Account, registered, visiting
from tests.generated_operations import Generated, Values, generated
from tests.nasty_schema import Behaviours, nasty_schema
from todo_gql.api.scalars import SERIALIZERS
from todo_gql.database.connection import fetch
from todo_gql.execution import Engine
from todo_gql.execution.execution import Execution
from todo_gql.operation.context import Context
from todo_gql.schema import graphql_schema
from todo_gql.security.authentication import authenticate
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

# graphql-core doesn't start all coroutines that it makes, once an error has come in between.
pytestmark = [
    pytest.mark.untraced,
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NASTY = nasty_schema()
NASTY_ENGINE = Engine(NASTY)
OPERATIONS = int(os.environ.get("DIFFERENTIAL_OPERATIONS", "2000"))
AT_ONCE = 50

OURS = graphql_schema()
OUR_ENGINE = Engine(OURS, SERIALIZERS)

VALUES: Values = {
    "ID": ["1", 2, "three", 1.5],
    "String": ["one", "two", "", 3],
    "Int": [1, 2, -3, 2**31, "4"],
    "Float": [1.5, 2, "x"],
    "Boolean": [True, False, "true"],
}

OUR_VALUES: Values = VALUES | {
    "ID": ["01890a5d-ac96-774b-bcce-b302099a8057", "no id"],
    "DateTime": ["2020-01-01T00:00:00Z", "2040-01-01T00:00:00+02:00", "yesterday"],
    "JSON": [{"number": 1}, 2],
    "Int": [1, 2, 5, 0, 2**31],
    "String": ["tag 1", "todo", "all", "no cursor"],
}


@pytest.fixture(autouse=True)
def _complaints_stay_here() -> Iterator[None]:
    """Have coroutines that were never awaited complained about in the test that made them."""
    yield
    gc.collect()


async def by_graphql_core(
    schema: GraphQLSchema, operation: Generated, context: Any
) -> ExecutionResult:
    """The answer of the reference."""
    running = execute(
        schema, operation.document, context_value=context, variable_values=operation.variables
    )
    return running if isinstance(running, ExecutionResult) else await running


async def by_engine(
    engine: Engine, operation: Generated, context: Any, times: int = 1
) -> ExecutionResult:
    """The engine's last answer, none of which must have been handed over."""
    prepared = engine.prepare(operation.document)
    assert prepared is not None
    before = engine.fallbacks
    for _ in range(times):
        result = await engine.execute(prepared, context=context, variables=operation.variables)
    assert engine.fallbacks == before
    return result


def as_json(result: ExecutionResult) -> bytes:
    """An answer in full, to the byte."""
    return orjson.dumps(result.formatted, default=repr)


def numbers(share: float) -> Any:
    """Where runs of generated operations start that make up this share of all."""
    return pytest.mark.parametrize("start", range(0, int(OPERATIONS * share), AT_ONCE))


@numbers(0.4)
async def test_what_is_not_awaited_is_answered_to_the_byte(start: int) -> None:
    """Data, order, nulls and errors are graphql-core's where resolvers return or raise at once."""
    for number in range(start, start + AT_ONCE):
        kind = "mutation" if number % 8 == 0 else "query"
        operation = generated(NASTY, number, VALUES, kind=kind)
        context = Behaviours(number, (number % 4) * 0.06, is_async=False)
        expected = await by_graphql_core(NASTY, operation, context)
        # The second time goes by the plan that the first has made.
        actual = await by_engine(NASTY_ENGINE, operation, context, times=2)
        assert as_json(actual) == as_json(expected), (number, operation)


Failures = list[tuple[str, list[str | int] | None]]


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> Failures:
    """Everything that fails in the engine, also what goes unreported."""
    found: Failures = []
    fail = Execution.fail

    def recorded(
        self: Execution, error: Exception, field: Any, paths: Any, index: int, **options: bool
    ) -> None:
        path = paths.path(index)
        found.append((getattr(error, "message", str(error)), path.as_list() if path else None))
        fail(self, error, field, paths, index, **options)

    monkeypatch.setattr(Execution, "fail", recorded)
    return found


def nulled(result: ExecutionResult) -> set[tuple[str | int, ...]]:
    """The response paths that are null because of the reported errors."""
    paths = set()
    for error in result.errors or ():
        value: Any = result.data
        path = []
        for key in error.path or ():
            if value is None:
                break
            value = value[key]
            path.append(key)
        paths.add(tuple(path))
    return paths


def assert_alike(
    actual: ExecutionResult, expected: ExecutionResult, failures: Failures, told: object
) -> None:
    """Fail unless the data is the same to the byte, and so are errors that nothing competes with.

    Which of several errors under one null graphql-core reports, and in what order, depends on which
    of them comes first; so each of its errors has to be one that the engine knows.
    """
    assert as_json(ExecutionResult(actual.data)) == as_json(ExecutionResult(expected.data)), told
    assert nulled(actual) == nulled(expected), told
    if len(failures) <= 1:
        assert as_json(actual) == as_json(expected), told
    for error in expected.errors or ():
        assert error.path is None or (error.message, error.path) in failures, told


@numbers(0.4)
async def test_what_is_awaited_is_answered_alike(start: int, failures: Failures) -> None:
    """Where resolvers take their time, the data is the same to the byte and the errors are true."""
    for number in range(start, start + AT_ONCE):
        kind = "mutation" if number % 8 == 0 else "query"
        operation = generated(NASTY, number, VALUES, kind=kind)
        context = Behaviours(number, (number % 4) * 0.04, is_async=True)
        expected = await by_graphql_core(NASTY, operation, context)
        failures.clear()
        actual = await by_engine(NASTY_ENGINE, operation, context)
        assert_alike(actual, expected, failures, (number, operation))


@pytest.fixture(scope="module")
async def busy(app: ASGIApp) -> Account:
    """A user with todos, tags and a history."""
    async with visiting(app) as visitor:
        account = await registered(visitor)
        todos = [
            {
                "title": f"Todo {number}",
                "tags": [f"tag {number % 3}", "all"][: number % 3],
                "dueAt": "2030-01-01T00:00:00Z" if number % 2 else None,
                "metadata": {"number": number},
            }
            for number in range(7)
        ]
        made = await account.create_many(todos)
        await account.data(
            "mutation ($id: ID!) { todoComplete(id: $id) { errors { code } } }", id=made[0]["id"]
        )
        return account


@numbers(0.2)
async def test_our_own_schema_is_answered_to_the_byte(
    start: int, busy: Account, settings: Settings, failures: Failures
) -> None:
    """Queries over the real schema, with real resolvers and rows, get graphql-core's answers."""
    viewer = await authenticate(busy.token, settings)
    assert viewer is not None
    [row] = await fetch("SELECT id FROM todos WHERE owner_id = $1 LIMIT 1", viewer.id)
    values = OUR_VALUES | {"ID": [str(row["id"]), busy.id, *OUR_VALUES["ID"]]}
    now, limits = datetime.now(UTC), RateLimits(settings)
    for number in range(start, start + AT_ONCE):
        operation = generated(OURS, number, values)
        signed_in = viewer if number % 10 else None
        expected = await by_graphql_core(
            OURS, operation, Context(settings, limits, signed_in, now=now)
        )
        failures.clear()
        actual = await by_engine(
            OUR_ENGINE, operation, Context(settings, limits, signed_in, now=now)
        )
        assert_alike(actual, expected, failures, (number, operation))


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query ($v: Boolean = true) { numbers @skip(if: $v) colour }", {"v": None}),
        ("query ($v: Boolean = true) { cats { id @include(if: $v) } }", {"v": None}),
        ("query ($v: Int = 1) { echo(count: $v) colour }", {"v": None}),
        ("query ($v: Int = 1) { echo(count: $v) }", {}),
        ("query ($v: Int!) { echo(count: $v) }", {}),
        ("query ($v: [Colour!]) { echo(count: 1, colours: $v) }", {"v": ["PINK"] * 60}),
        ("query ($v: Wish!) { strict(wish: $v) { of { of { text size } } } }", {"v": {"size": 2}}),
        ("query ($v: Wish!) { strict(wish: $v) { text } }", {"v": {"txet": "a", "more": 1}}),
    ],
)
async def test_what_is_refused_at_run_time_is_refused_alike(
    text: str, variables: dict[str, Any]
) -> None:
    """Variables and directives that only their values make wrong are wrong in the same words."""
    operation = Generated(text, parse(text), variables)
    context = Behaviours(0, 0, is_async=False)
    expected = await by_graphql_core(NASTY, operation, context)
    assert as_json(await by_engine(NASTY_ENGINE, operation, context)) == as_json(expected)


@pytest.mark.parametrize("schema", [NASTY, OURS], ids=["nasty", "ours"])
async def test_introspection_is_answered_to_the_byte(schema: GraphQLSchema) -> None:
    """What a client asks about the schema itself is answered as graphql-core does."""
    text = get_introspection_query(input_value_deprecation=True, specified_by_url=True)
    operation = Generated(text, parse(text), {})
    expected = await by_graphql_core(schema, operation, None)
    assert as_json(await by_engine(Engine(schema), operation, None)) == as_json(expected)
