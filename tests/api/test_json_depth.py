"""How deep JSON is nested, found in its text."""

import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from todo_gql.api.json_depth import MAX_NESTING, has_too_many_containers, is_too_deep

SIGNS = strategies.text(alphabet='[]{}"\\ab', max_size=6)
VALUES = strategies.recursive(
    SIGNS | strategies.none() | strategies.integers(),
    lambda inner: (
        strategies.lists(inner, max_size=3) | strategies.dictionaries(SIGNS, inner, max_size=3)
    ),
    max_leaves=40,
)


def depth(value: Any) -> int:
    """How many lists and objects are around the innermost of them, itself included."""
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


def containers(value: Any) -> int:
    """How many lists and objects are in a value, itself included."""
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + sum(map(containers, value.values() if isinstance(value, dict) else value))


@hypothesis.given(VALUES, strategies.integers(0, 6))
def test_lists_and_objects_are_counted_in_the_text(value: Any, most: int) -> None:
    """Lists and objects are counted whatever brackets, quotes and backslashes strings hold."""
    text = json.dumps(value).encode()
    assert has_too_many_containers(text, most) == (containers(value) > most)


@hypothesis.given(VALUES, strategies.integers(1, 6), strategies.sampled_from([None, 1]))
def test_depth_is_found_in_the_text(value: Any, most: int, indent: int | None) -> None:
    """Depth is counted whatever brackets, quotation marks and backslashes strings hold."""
    text = json.dumps(value, indent=indent).encode()
    assert is_too_deep(text, most) == (depth(value) > most)


@pytest.mark.parametrize("level", [MAX_NESTING, MAX_NESTING + 1])
@pytest.mark.parametrize("string", ['"]"', '"["', r'"\\\"]"', r'"\\"', '""', "0"])
@pytest.mark.parametrize("times", [1, 500])
def test_a_level_more_than_allowed_is_too_deep(level: int, string: str, times: int) -> None:
    """One level more than allowed is too deep, whatever strings stand between the brackets."""
    one = f"[{string}," * (level - 1) + "[]" + "]" * (level - 1) if times == 1 else None
    text = one or f"[{','.join([f'[{string},' * (level - 2) + '[]' + ']' * (level - 2)] * times)}]"
    assert depth(json.loads(text)) == level
    assert is_too_deep(text.encode()) == (level > MAX_NESTING)
