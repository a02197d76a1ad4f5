"""JSON as it is read: written in the document itself, with variables inside, or sent as one."""

from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLScalarType, build_schema, execute, parse

from tests.support.accounts import Account
from todo_gql.api.errors import UserError
from todo_gql.api.scalars import parse_json_literal
from todo_gql.execution import Engine
from todo_gql.features.todos import metadata

CREATE = """
mutation ({declared}) {{
  todoCreate(input: {{ title: "x", metadata: {literal} }}) {{
    todo {{ metadata }} errors {{ code path }}
  }}
}}
"""
BULK = """
mutation ($m: Int) {
  todoBulkCreate(inputs: [{ title: "a", metadata: { a: $m } }, { title: "b", metadata: $j }]) {
    results { todo { metadata } errors { code path } }
  }
}
""".replace("($m: Int)", "($m: Int, $j: JSON)")

CASES: list[tuple[str, str, dict[str, Any], Any]] = [
    ("$m: Int", "{ a: $m }", {}, {}),
    ("$m: Int", "{ a: $m, b: 1 }", {}, {"b": 1}),
    ("$m: Int", "{ a: $m }", {"m": None}, {"a": None}),
    ("$m: Int", "{ a: $m }", {"m": 5}, {"a": 5}),
    ("$m: Int = 3", "{ a: $m }", {}, {"a": 3}),
    ("$m: Int = 3", "{ a: $m }", {"m": None}, {"a": None}),
    ("$m: Int = null", "{ a: $m }", {}, {"a": None}),
    ("$m: Int", "{ a: [1, $m, 2] }", {}, {"a": [1, None, 2]}),
    ("$m: Int", "{ a: [[$m], { b: $m, c: [$m] }] }", {}, {"a": [[None], {"c": [None]}]}),
    ("$m: Int", "{ a: { b: { c: $m } } }", {}, {"a": {"b": {}}}),
    ("$m: JSON", "{ a: $m }", {}, {}),
    ("$m: JSON", "{ a: $m }", {"m": {"b": [1, None]}}, {"a": {"b": [1, None]}}),
    ("$m: [String]", "{ a: $m }", {"m": ["x", None]}, {"a": ["x", None]}),
    ("$m: TodoPriority", "{ a: $m, b: [$m] }", {"m": "HIGH"}, {"a": "HIGH", "b": ["HIGH"]}),
    (
        "$m: DateTime",
        "{ a: $m }",
        {"m": "2026-01-31T10:30:00+01:00"},
        {"a": "2026-01-31T09:30:00.000000Z"},
    ),
    (
        "$m: TodoFilter",
        "{ a: $m }",
        {"m": {"isOverdue": True, "priority": {"in": ["LOW"]}}},
        {"a": {"isOverdue": True, "priority": {"in": ["LOW"]}}},
    ),
]


@pytest.mark.parametrize(("declared", "literal", "variables", "expected"), CASES)
async def test_variables_stand_for_their_values(
    account: Account, declared: str, literal: str, variables: dict[str, Any], expected: Any
) -> None:
    """A key whose variable isn't given is left out, and in a list it is null."""
    document = CREATE.format(declared=declared, literal=literal)
    payload = (await account.data(document, **variables))["todoCreate"]
    assert payload == {"todo": {"metadata": expected}, "errors": []}


async def test_variables_stand_for_their_values_in_bulk(account: Account) -> None:
    """Each todo is made with the keys that have a value."""
    results = (await account.data(BULK))["todoBulkCreate"]["results"]
    assert results == [{"todo": {"metadata": {}}, "errors": []}] * 2


async def test_an_update_takes_variables_in_literals(account: Account) -> None:
    """It stores what the create would."""
    todo = await account.create(metadata={"old": 1})
    data = await account.data(
        "mutation ($id: ID!, $m: JSON) {"
        " todoUpdate(id: $id, input: { metadata: { a: $m, b: [$m] } }) { todo { metadata } } }",
        id=todo["id"],
    )
    assert data["todoUpdate"]["todo"] == {"metadata": {"b": [None]}}


async def test_a_variable_outside_an_object_is_no_json_object(account: Account) -> None:
    """A list is refused at its place, whether its variable is given or not."""
    payload = (await account.data(CREATE.format(declared="$m: Int", literal="[$m]")))["todoCreate"]
    assert payload["errors"] == [{"code": "INVALID", "path": ["input", "metadata"]}]


async def test_a_variable_that_stands_in_a_literal_often_is_too_long(account: Account) -> None:
    """What would be metadata of megabytes is refused."""
    keys = " ".join(f"k{n}: $m" for n in range(200))
    document = CREATE.format(declared="$m: JSON", literal=f"{{ {keys} }}")
    payload = (await account.data(document, m=[0] * 50_000))["todoCreate"]
    assert payload["errors"] == [{"code": "TOO_LONG", "path": ["input", "metadata"]}]


SCHEMA = build_schema(
    "scalar JSON type Query { taken(value: JSON, values: [JSON], n: Int): String }"
)
json = SCHEMA.type_map["JSON"]
assert isinstance(json, GraphQLScalarType)
json.parse_literal = parse_json_literal  # type: ignore[method-assign]
assert SCHEMA.query_type
SCHEMA.query_type.fields["taken"].resolve = lambda *_, **arguments: repr(arguments)
ENGINE = Engine(SCHEMA)


@pytest.mark.parametrize(("declared", "given"), [("Int", {}), ("Int", {"m": 5}), ("Int = 3", {})])
async def test_both_engines_hand_over_the_same(declared: str, given: dict[str, Any]) -> None:
    """Both engines hand a resolver the same value in an object, in a list, and deeper."""
    document = parse(
        f"query ($m: {declared}) {{ taken(value: {{ a: $m, b: [$m, {{ c: $m }}] }},"
        " values: [$m, { a: $m }, [$m]]) }"
    )
    prepared = ENGINE.prepare(document)
    assert prepared
    by_core = execute(SCHEMA, document, variable_values=given)
    by_engine = await ENGINE.execute(prepared, variables=given)
    m = given.get("m", 3 if "3" in declared else None)
    value = {"b": [None, {}]} if m is None else {"a": m, "b": [m, {"c": m}]}
    validation = [m, {} if m is None else {"a": m}, [m]]
    assert (
        by_core
        == by_engine
        == ExecutionResult({"taken": repr({"value": value, "values": validation})})
    )


class Odd(Enum):
    """What a variable of an enum gives to a literal."""

    A = "a"


def within(depth: int, value: Any) -> Any:
    """A value within so many lists."""
    for _ in range(depth):
        value = [value]
    return value


NUMBERS = [1e16, -1e-7, 1e300, -0.0, 1e15, 2**63, 2**63 - 1, -(2**63), 2**64, 2**70, float("nan")]
LEAVES: list[Any] = [1, [], {"a": 1}]
TEXTS = ["\0", "\\u0000", "\ud800", "1e5", "-0.0", "9" * 30, "é"]


@pytest.mark.parametrize(
    "value",
    [
        *NUMBERS,
        *TEXTS,
        *({text: 1} for text in TEXTS),
        *(within(depth, leaf) for depth in (29, 30, 31, 32) for leaf in LEAVES),
        Odd.A,
        datetime(2026, 1, 1, tzinfo=UTC),
        [True, 1, 1.0, None, "", {}, []],
    ],
)
def test_usual_metadata_is_read_as_all_other(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way to read it gives the same text, and finds the same faults."""

    def read() -> tuple[str, list[Any]]:
        problems: list[UserError] = []
        text = metadata.metadata({"a": value}, problems)
        return text, [(problem.code, problem.message) for problem in problems]

    usual = read()
    monkeypatch.setattr(metadata, "_canonical_json_if_plain", lambda _value: None)
    assert usual == read()
