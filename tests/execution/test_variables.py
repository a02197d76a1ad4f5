"""Variables under the engine and under graphql-core: equal arguments, and equal error messages."""

import os
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLScalarType, build_schema, execute, parse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from todo_gql.execution import Engine

# With as many operations as the comparison of whole operations has by itself, a hundred.
EXAMPLES = int(os.environ.get("DIFFERENTIAL_OPERATIONS", "1000")) // 10
SCHEMA = build_schema(
    """
    scalar Even
    enum Colour { RED GREEN }
    input Wish {
      text: String! = "none", size: Int, share: Float, sure: Boolean, id: ID!, even: Even,
      colour: Colour = RED, colours: [Colour!], grid: [[Int!]], more: Wish, others: [Wish!],
      choice: Choice
    }
    input Choice @oneOf { number: Int, text: String, wish: Wish }
    type Query {
      echo(wish: Wish, choice: Choice, numbers: [Int], even: Even = 4, colour: Colour): String
    }
    """
)
ENGINE = Engine(SCHEMA)
OPERATION = """
query ($wish: Wish, $choice: Choice!, $numbers: [Int], $even: Even = 6, $colour: Colour = GREEN) {
  echo(wish: $wish, choice: $choice, numbers: $numbers, even: $even, colour: $colour)
}
"""
DOCUMENT = parse(OPERATION)
PREPARED = ENGINE.prepare(DOCUMENT)


def _even(value: Any) -> int:
    if value % 2:
        raise ValueError("This is odd.")
    return int(value)


def _echo(_root: None, _info: object, **arguments: Any) -> str:
    return repr(arguments)


even = SCHEMA.type_map["Even"]
assert isinstance(even, GraphQLScalarType)
even.coerce_input_value = _even
assert SCHEMA.query_type
SCHEMA.query_type.fields["echo"].resolve = _echo

ODDITIES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 2**31, -(2**31), 1.0, 1.5, float("inf"), float("nan"), "", "RED", "1"]),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.sampled_from(["text", "size", "id", "unknown"]), st.integers(), max_size=2),
)


def mostly(valid: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly valid values, and a few of any type."""
    return st.integers(0, 29).flatmap(lambda number: valid if number else ODDITIES)


INTEGERS, TEXTS, COLOURS = (
    st.integers(-9, 9),
    st.text(max_size=3),
    st.sampled_from(["RED", "GREEN"]),
)
WISHES: st.SearchStrategy[Any] = st.deferred(
    lambda: mostly(
        st.fixed_dictionaries(
            {"id": mostly(TEXTS)},
            optional={
                "text": mostly(TEXTS),
                "size": mostly(INTEGERS),
                "share": mostly(st.floats(-1, 1)),
                "sure": mostly(st.booleans()),
                "even": mostly(st.just(2)),
                "colour": mostly(COLOURS),
                "colours": mostly(st.lists(mostly(COLOURS), max_size=2)),
                "grid": mostly(st.lists(st.lists(mostly(INTEGERS), max_size=2), max_size=2)),
                "more": WISHES,
                "others": mostly(st.lists(WISHES, max_size=2)),
                "choice": CHOICES,
            },
        )
    )
)
CHOICES: st.SearchStrategy[Any] = mostly(
    st.one_of(
        st.fixed_dictionaries({"number": mostly(INTEGERS)}),
        st.fixed_dictionaries({"text": mostly(TEXTS)}, optional={"number": st.none()}),
        st.fixed_dictionaries({"wish": WISHES}),
    )
)
VARIABLES = st.fixed_dictionaries(
    {"choice": CHOICES},
    optional={
        "wish": WISHES,
        "numbers": mostly(st.lists(mostly(INTEGERS), max_size=3)),
        "even": mostly(st.just(4)),
        "colour": mostly(COLOURS),
    },
)


def nested(depth: int) -> dict[str, Any]:
    """A wish nested in so many others."""
    wish: dict[str, Any] = {"id": "1"}
    for _ in range(depth):
        wish = {"id": "1", "more": wish}
    return wish


async def are_coerced_alike(variables: dict[str, Any]) -> bool:
    """Whether both engines pass the same arguments to the resolver, or return the same errors."""
    assert PREPARED is not None
    expected = execute(SCHEMA, DOCUMENT, variable_values=variables, max_coercion_errors=50)
    assert isinstance(expected, ExecutionResult)
    actual = await ENGINE.execute(PREPARED, variables=variables)
    return repr(actual.formatted) == repr(expected.formatted)


@given(VARIABLES)
@example({"wish": {"id": "1"}})
@example({"choice": {}})
@example({"choice": {"number": None}})
@example({"choice": {"number": 1, "text": None}})
@example({"choice": {"number": 1}, "wish": {}})
@example({"choice": {"number": 1}, "wish": {"id": "1", "unknown": 1}})
@settings(max_examples=EXAMPLES, deadline=None)
async def test_variables_are_coerced_as_by_graphql_core(variables: dict[str, Any]) -> None:
    """Variables of any values are coerced, or rejected, as graphql-core does."""
    assert await are_coerced_alike(variables)


@pytest.mark.parametrize("depth", [20, 150, 250, 5_000])
async def test_deep_variables_are_coerced_as_by_graphql_core(depth: int) -> None:
    """Deeply nested variables are coerced, or rejected, at the same depth as by graphql-core."""
    assert await are_coerced_alike({"choice": {"number": 1}, "wish": nested(depth)})
