"""The engine against graphql-core: byte-equal responses for randomly generated operations.

There are 1,000 of them, or as many as DIFFERENTIAL_OPERATIONS says.
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

from tests.support.accounts import Account, registered, visiting
from tests.support.adversarial_schema import Behaviours, adversarial_schema
from tests.support.generated_operations import Generated, Values, generated
from todo_gql.api.scalars import SERIALIZERS
from todo_gql.database.connection import fetch
from todo_gql.execution import Engine
from todo_gql.execution.execution import Execution
from todo_gql.operation.context import Context
from todo_gql.schema import graphql_schema
from todo_gql.security.authentication import authenticate
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

# graphql-core doesn't await all coroutines that it has created, once one of them failed.
pytestmark = [
    pytest.mark.untraced,
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ADVERSARIAL = adversarial_schema()
NASTY_ENGINE = Engine(ADVERSARIAL)
OPERATIONS = int(os.environ.get("DIFFERENTIAL_OPERATIONS", "1000"))
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
    "Date": ["2020-01-01", "2040-01-01T00:00:00Z"],
    "Duration": ["-P1DT2H", "P1M"],
    "TimeZone": ["Asia/Tokyo", "Mars/Base"],
    "DateTime": ["2020-01-01T00:00:00Z", "2040-01-01T00:00:00+02:00", "yesterday"],
    "JSON": [{"number": 1}, 2],
    "Int": [1, 2, 5, 0, 2**31],
    "String": ["tag 1", "todo", "all", "no cursor"],
}


@pytest.fixture(autouse=True)
def _warnings_stay_here() -> Iterator[None]:
    """Collect garbage, so that warnings about coroutines appear in the test that caused them."""
    yield
    gc.collect()


async def by_graphql_core(
    schema: GraphQLSchema, operation: Generated, context: Any
) -> ExecutionResult:
    """The result of the reference implementation."""
    running = execute(
        schema, operation.document, context_value=context, variable_values=operation.variables
    )
    return running if isinstance(running, ExecutionResult) else await running


async def by_engine(
    engine: Engine, operation: Generated, context: Any, times: int = 1
) -> ExecutionResult:
    """The engine's last result of so many executions, none of which may be a fallback."""
    prepared = engine.prepare(operation.document)
    assert prepared is not None
    fallbacks = engine.fallbacks
    for _ in range(times):
        result = await engine.execute(prepared, context=context, variables=operation.variables)
    assert engine.fallbacks == fallbacks
    return result


def as_json(result: ExecutionResult) -> bytes:
    """The whole response as bytes."""
    return orjson.dumps(result.formatted, default=repr)


def numbers(share: float) -> Any:
    """Parametrize a test with the first numbers of batches, for this share of all operations."""
    return pytest.mark.parametrize("start", range(0, int(OPERATIONS * share), AT_ONCE))


@numbers(0.4)
async def test_synchronous_operations_are_byte_equal(start: int) -> None:
    """Synchronous operations have graphql-core's data, nulls and errors, in its order."""
    for number in range(start, start + AT_ONCE):
        kind = "mutation" if number % 8 == 0 else "query"
        operation = generated(ADVERSARIAL, number, VALUES, kind=kind)
        context = Behaviours(number, (number % 4) * 0.06, is_async=False)
        expected = await by_graphql_core(ADVERSARIAL, operation, context)
        # The second execution uses the plan of the first.
        actual = await by_engine(NASTY_ENGINE, operation, context, times=2)
        assert as_json(actual) == as_json(expected), (number, operation)


Failures = list[tuple[str, list[str | int] | None]]


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> Failures:
    """Messages and paths of all failures in the engine, also of those that aren't reported."""
    recorded: Failures = []
    fail = Execution.fail

    def fail_recorded(
        self: Execution, error: Exception, field: Any, paths: Any, index: int, **options: bool
    ) -> None:
        path = paths.path(index)
        recorded.append((getattr(error, "message", str(error)), path.as_list() if path else None))
        fail(self, error, field, paths, index, **options)

    monkeypatch.setattr(Execution, "fail", fail_recorded)
    return recorded


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
    actual: ExecutionResult, expected: ExecutionResult, failures: Failures, operation: object
) -> None:
    """Fail unless data is byte-equal, and errors as well if there is no more than one failure.

    Which of several errors under one null graphql-core reports, and in what order, depends on which
    of them is raised first; so each of its errors has to be one that the engine recorded.
    """
    assert as_json(ExecutionResult(actual.data)) == as_json(ExecutionResult(expected.data)), (
        operation
    )
    assert nulled(actual) == nulled(expected), operation
    if len(failures) <= 1:
        assert as_json(actual) == as_json(expected), operation
    for error in expected.errors or ():
        assert error.path is None or (error.message, error.path) in failures, operation


@numbers(0.4)
async def test_asynchronous_operations_have_equal_data_and_known_errors(
    start: int, failures: Failures
) -> None:
    """Asynchronous operations have byte-equal data, and only errors that graphql-core has."""
    for number in range(start, start + AT_ONCE):
        kind = "mutation" if number % 8 == 0 else "query"
        operation = generated(ADVERSARIAL, number, VALUES, kind=kind)
        context = Behaviours(number, (number % 4) * 0.04, is_async=True)
        expected = await by_graphql_core(ADVERSARIAL, operation, context)
        failures.clear()
        actual = await by_engine(NASTY_ENGINE, operation, context)
        assert_alike(actual, expected, failures, (number, operation))


@pytest.fixture(scope="module")
async def account_with_todos(app: ASGIApp) -> Account:
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
        created = await account.create_many(todos)
        await account.data(
            "mutation ($id: ID!) { todoComplete(id: $id) { errors { code } } }", id=created[0]["id"]
        )
        return account


@numbers(0.2)
async def test_queries_on_our_own_schema_are_answered_alike(
    start: int, account_with_todos: Account, settings: Settings, failures: Failures
) -> None:
    """Queries on the project's schema, with real resolvers and rows, are answered alike."""
    viewer = await authenticate(account_with_todos.token, settings)
    assert viewer is not None
    [row] = await fetch("SELECT id FROM todos WHERE owner_id = $1 LIMIT 1", viewer.id)
    values = OUR_VALUES | {"ID": [str(row["id"]), account_with_todos.id, *OUR_VALUES["ID"]]}
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
async def test_invalid_variables_are_reported_alike(text: str, variables: dict[str, Any]) -> None:
    """Invalid values of variables, also in directives, are errors with the same messages."""
    operation = Generated(text, parse(text), variables)
    context = Behaviours(0, 0, is_async=False)
    expected = await by_graphql_core(ADVERSARIAL, operation, context)
    assert as_json(await by_engine(NASTY_ENGINE, operation, context)) == as_json(expected)


@pytest.mark.parametrize("schema", [ADVERSARIAL, OURS], ids=["adversarial", "ours"])
async def test_introspection_is_byte_equal(schema: GraphQLSchema) -> None:
    """The response to a full introspection query is graphql-core's, to the byte."""
    text = get_introspection_query(input_value_deprecation=True, specified_by_url=True)
    operation = Generated(text, parse(text), {})
    expected = await by_graphql_core(schema, operation, None)
    assert as_json(await by_engine(Engine(schema), operation, None)) == as_json(expected)
