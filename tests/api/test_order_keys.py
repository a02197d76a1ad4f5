"""Keys of order: their order, their length, and their format."""

from itertools import pairwise
from random import Random

import pytest
from fractional_indexing import generate_key_between, generate_n_keys_between, validate_order_key
from hypothesis import given
from hypothesis import strategies as st

from todo_gql.api.order_keys import MAX_KEY, Bound, key_between, keys_between, position_key
from todo_gql.api.placement import Gap, keys_in

INSERTS = 10_000
BOUNDS = st.sampled_from(["lower", "upper"])


def _insert(keys: list[str], index: int, near: Bound) -> int:
    """Insert a key before an index of a list; returns its length."""
    lower = keys[index - 1] if index else None
    upper = keys[index] if index < len(keys) else None
    key = key_between(lower, upper, near)
    assert lower is None or lower < key
    assert upper is None or key < upper
    keys.insert(index, key)
    return len(key)


def _insert_beside(keys: list[str], anchor: int, *, after: bool) -> int:
    return _insert(keys, anchor + after, "upper" if after else "lower")


def _neighbours() -> list[str]:
    return [position_key(1), position_key(2)]


@pytest.mark.parametrize(
    ("anchor", "after"), [(0, True), (1, False)], ids=["after the first", "before the last"]
)
def test_inserts_beside_the_same_item_stay_short(anchor: int, after: bool) -> None:
    """Each of 10,000 keys beside the same item is at most 17 characters long."""
    keys = _neighbours()
    lengths = [
        _insert_beside(keys, anchor if after else len(keys) - 1, after=after)
        for _ in range(INSERTS)
    ]
    assert max(lengths) <= 17
    assert len(set(keys)) == INSERTS + 2


@pytest.mark.parametrize("after", [True, False])
def test_inserts_beside_the_previous_insert_stay_short(after: bool) -> None:
    """Each of 10,000 keys beside the one that was inserted last is at most 19 characters long."""
    keys, newest = _neighbours(), 0 if after else 1
    for _ in range(INSERTS):
        assert _insert_beside(keys, newest, after=after) <= 19
        newest += after


@pytest.mark.parametrize("seed", range(2))
def test_inserts_at_random_stay_within_the_limit(seed: int) -> None:
    """Each of 10,000 keys before or after an item at random is at most 120 characters long."""
    random, keys, longest = Random(seed), _neighbours(), 0
    for _ in range(INSERTS):
        anchor, after = random.randrange(len(keys)), random.random() < 0.5
        longest = max(longest, _insert_beside(keys, anchor, after=after))
    assert longest <= 60 < MAX_KEY
    assert all(lower < upper for lower, upper in pairwise(keys))


@pytest.mark.parametrize("index", [0, None], ids=["at the start", "at the end"])
def test_inserts_at_an_end_are_integers(index: int | None) -> None:
    """A key before or after all others has at most 7 characters, after 10,000 inserts there too."""
    keys = _neighbours()
    for _ in range(INSERTS):
        assert _insert(keys, len(keys) if index is None else index, "lower") <= 7


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), BOUNDS, st.booleans()), max_size=60))
def test_keys_interoperate_with_the_packages(
    inserts: list[tuple[float, Bound, bool]],
) -> None:
    """Ours and those of fractional-indexing are valid for each other, and sort in one order."""
    keys = list[str]()
    for fraction, near, theirs in inserts:
        index = int(fraction * (len(keys) + 1))
        lower = keys[index - 1] if index else None
        upper = keys[index] if index < len(keys) else None
        key = generate_key_between(lower, upper) if theirs else key_between(lower, upper, near)
        validate_order_key(key)
        keys.insert(index, key)
    assert all(lower < upper for lower, upper in pairwise(keys))


@given(st.integers(0, 200), BOUNDS, st.integers(0, 30), st.integers(0, 30))
def test_several_keys_ascend_between_their_bounds(
    count: int, near: Bound, before: int, after: int
) -> None:
    """Several keys at once are valid and stand in order between their bounds."""
    theirs = generate_n_keys_between(None, None, before + 1)
    lower, upper = theirs[before], generate_key_between(theirs[before], None)
    for _ in range(after):
        upper = generate_key_between(lower, upper)
    keys = keys_between(lower, upper, count, near)
    assert len(keys) == count
    assert all(one < other for one, other in pairwise([lower, *keys, upper]))
    for key in keys:
        validate_order_key(key)


def test_integers_count_across_all_lengths() -> None:
    """Keys at the ends are the next integers, as fractional-indexing counts them."""
    up, down = "Zz", "a1"
    for _ in range(5_000):
        up_next, down_next = key_between(up, None, "lower"), key_between(None, down, "lower")
        assert up_next == generate_key_between(up, None)
        assert down_next == generate_key_between(None, down)
        up, down = up_next, down_next


@pytest.mark.parametrize(("lower", "upper"), [("a1", "a0"), ("a1", "a1")])
def test_bounds_in_the_wrong_order_are_refused(lower: str, upper: str) -> None:
    """Bounds that don't ascend raise ValueError."""
    with pytest.raises(ValueError, match="doesn't sort before"):
        key_between(lower, upper, "lower")


@given(
    st.lists(st.integers(0, 40), unique=True, max_size=12),
    st.integers(0, 20),
    st.one_of(st.none(), st.integers(21, 40)),
    BOUNDS,
    st.booleans(),
)
def test_moved_items_keep_keys_that_stand_right(
    numbers: list[int], lower: int, upper: int | None, near: Bound, has_end: bool
) -> None:
    """Moved items ascend in their gap, keep what stands right, and take no key of one another."""
    current = [position_key(number) for number in numbers]
    gap = Gap(position_key(lower), position_key(upper) if upper is not None else None)
    keys = keys_in(gap, [*current, None], near, 41 if has_end else None)
    ends = [position_key(lower), *keys, *([gap.upper] if gap.upper else [])]
    assert all(one < other for one, other in pairwise(ends))
    moved = [key for key, old in zip(keys, [*current, None], strict=True) if key != old]
    assert not set(moved) & set(current)
    if current == sorted(current) and all(lower < number for number in numbers):
        inside = [key for key in current if gap.upper is None or key < gap.upper]
        assert keys[: len(inside)] == inside
