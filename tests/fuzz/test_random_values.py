"""Random values in every argument: each gets an answer, and none an error of the server's."""

from typing import Any
from uuid import UUID

import pytest
from graphql import get_named_type
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.support.accounts import NewAccount
from tests.support.argument_probing import EVERYTHING, problems, real
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
from todo_gql.api.durations import DURATION
from todo_gql.database.connection import fetch

# Numbers about where types end, and what terminals, databases and encoders stumble over.
EDGES = [edge + step for edge in (0, 2**31, 2**32, 2**53, 2**63, 2**64) for step in (-1, 0, 1)]
SIGNS = ["\0", "\u202e", "\u2066", "\ufeff", "\ud800", "\udfff", "\\", "%", "'", '"', "$1", "\x7f"]

texts = st.text() | st.lists(st.sampled_from(SIGNS) | st.characters(), max_size=20).map("".join)
numbers = st.integers() | st.sampled_from([*EDGES, *(-edge for edge in EDGES)])
# What JSON can say; other numbers are refused with the whole body, and have a test of their own.
finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | finite | texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
moments = st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat())
OF_SCALAR: dict[str, st.SearchStrategy[Any]] = {
    "DateTime": moments | texts | anything,
    "Date": st.dates().map(str) | texts | anything,
    "Duration": st.from_regex(DURATION, fullmatch=True) | texts | anything,
    "Float": finite | anything,
    "ID": st.uuids().map(str) | texts | anything,
    "Int": numbers | anything,
    "JSON": st.dictionaries(texts, anything, max_size=6) | anything,
    "String": texts | st.just("x" * 40_000) | anything,
    "TimeZone": st.timezone_keys() | texts | anything,
}
WITH_ARGUMENTS = [
    coordinate
    for operation in ROOTS
    for coordinate in root_fields(operation)
    if field_of(coordinate).args
]


@pytest.mark.parametrize("coordinate", WITH_ARGUMENTS, ids=".".join)
@examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_random_values_are_answered(
    coordinate: Coordinate, data: st.DataObject, new_account: NewAccount
) -> None:
    """Random values get data, errors in a payload, or BAD_USER_INPUT, and all can be read again."""
    account = await new_account()
    if coordinate in ADMINISTRATION:
        await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    arguments = real(coordinate, await account.create(tags=["real"]))
    for name, argument in field_of(coordinate).args.items():
        path, leaf = data.draw(st.sampled_from(list(leaves(name, argument.type))))
        if data.draw(st.booleans()):
            value = data.draw(OF_SCALAR.get(get_named_type(leaf).name, anything))
            arguments[name] = placed(argument.type, path[1:], value)
    document = Call(coordinate, depth=1).document(arguments)
    assert await problems(account, document, arguments) == set()
    assert await problems(account, EVERYTHING, {}) == set()
