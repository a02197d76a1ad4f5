"""Odd values in every argument: each gets an answer, and none an error of the server's."""

import json
from typing import Any
from uuid import UUID

import pytest
from graphql import get_named_type, is_list_type

from tests.support.accounts import Account
from tests.support.argument_probing import EVERYTHING, codes, problems, real
from tests.support.field_requests import ask
from tests.support.operations import (
    ADMINISTRATION,
    ROOTS,
    Call,
    Coordinate,
    field_of,
    leaves,
    placed,
    root_fields,
)
from todo_gql.database.connection import fetch

pytestmark = pytest.mark.untraced

TEXTS = [
    "",
    " ",
    "\0",
    "a\ud800",
    "\x1b[2J",
    "%_\\",
    "x" * 6_000,
    "İΣ\u00e9e\u0301\U0001f600",
    5,
    {},
]
ODD: dict[str, list[Any]] = {
    "Boolean": [None, "true", 1],
    "DateTime": [
        *(None, "", 5, "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "\ud800"),
        *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999Z"),
    ],
    "Date": [*TEXTS, None, "2026-02-30", "2026-01-01T00:00:00Z", "0001-01-01", "9999-12-31"],
    "Duration": [
        *(*TEXTS, None, "P", "P1Y", "PT1.5H", "-P999999999W", "PT999999999H999999999M999999999S"),
    ],
    "ID": [*TEXTS, None, 1e300, 2**70, "{" + "0" * 36 + "}"],
    "Int": [None, 0, -1, 101, 2**31 - 1, -(2**31), 2**31, 2**70, 1.5, "1", True],
    "JSON": [
        *(None, 5, "x", [], {}, {"a": 2**63}, {"a": 2**70}, {"a": 1e308}, {"\0": 1}, {"\ud800": 1}),
        *({"a": "\ud800"}, {"a": "x" * 20_000}, json.loads("[" * 25 + "]" * 25)),
    ],
    "String": [*TEXTS, None],
    "TimeZone": [*TEXTS, None, "Mars/Base", "europe/berlin", "../zones", "Factory", "localtime"],
}
# A filter is read by the same code everywhere; in a list it is tried to its depth.
NESTING = {"and", "or", "not"}
ODD_MEMBERS: list[Any] = [None, "UNKNOWN", 5, {}]


def odd_values(kind: Any) -> list[Any]:
    """Values that nobody sends by way of a form; of a list also none, many and nulls."""
    values = ODD.get(get_named_type(kind).name, ODD_MEMBERS)
    if is_list_type(getattr(kind, "of_type", None)) or is_list_type(kind):
        return [*([value] for value in values), [], ["x"] * 200, None, {}]
    return values


@pytest.mark.parametrize("coordinate", [c for o in ROOTS for c in root_fields(o)], ids=".".join)
async def test_odd_values_are_answered(coordinate: Coordinate, account: Account) -> None:
    """Odd values get data, payload errors or BAD_USER_INPUT, and stored ones can be read."""
    todo = await account.create(tags=["real"])
    if coordinate in ADMINISTRATION:
        await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    for name, argument in field_of(coordinate).args.items():
        for path, leaf in leaves(name, argument.type):
            if coordinate != ("Query", "todos") and not NESTING.isdisjoint(path):
                continue
            for value in odd_values(leaf):
                arguments = real(coordinate, todo)
                arguments[name] = placed(argument.type, path[1:], value)
                call = Call(coordinate, depth=1)
                if call.operation == "subscription":
                    found = codes(await ask(account, call, arguments))
                else:
                    found = await problems(account, call.document(arguments), arguments)
                assert (path, value, found) == (path, value, set())
    assert await problems(account, EVERYTHING, {}) == set()
