"""Where a client wants a thing among its siblings, and the keys of order that put it there.

All of it is to be called under the lock that everybody takes who changes positions of the siblings.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

import strawberry
from strawberry import Maybe

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.api.order_keys import Bound, keys_between, position_key
from todo_gql.database.connection import Connection

Edge: TypeAlias = Literal["before", "after", "first", "last"]


@strawberry.input(
    name="PlaceInput",
    one_of=True,
    description="Where among its siblings; the server makes the key under the lock.",
)
class PlacementInput:
    """Exactly one of these."""

    before: Maybe[strawberry.ID] = strawberry.field(
        description="Right before the sibling with this id."
    )
    after: Maybe[strawberry.ID] = strawberry.field(
        description="Right after the sibling with this id."
    )
    first: Maybe[bool] = strawberry.field(description="Before all others; only true is valid.")
    last: Maybe[bool] = strawberry.field(description="After all others; only true is valid.")


class Placement(NamedTuple):
    """An edge of the siblings, or a side of one of them, the anchor."""

    edge: Edge
    anchor_id: UUID | None = None


LAST: Final = Placement("last")


def read_placement(sent: PlacementInput, problems: list[UserError], *path: str) -> Placement | None:
    """What a client sent, or None with a problem at its path."""
    if some := sent.before or sent.after:
        edge: Edge = "before" if sent.before else "after"
        if anchor_id := parse_id(some.value):
            return Placement(edge, anchor_id)
        problems.append(not_found(*path, edge))
        return None
    edge = "first" if sent.first else "last"
    if (chosen := sent.first or sent.last) and chosen.value:
        return Placement(edge)
    message = f"Only true is valid; leave {edge} out to say nothing about it."
    problems.append(invalid(ErrorCode.INVALID, message, *path, edge))
    return None


class Siblings(NamedTuple):
    """The rows of a table that are sorted among each other by `position`.

    `condition` is SQL about their columns; its placeholders stand for `values`, from `$1` on. The
    anchor of a placement has to meet `anchor_condition`, too.
    """

    table: str
    condition: str
    values: tuple[object, ...]
    anchor_condition: str = "deleted_at IS NULL"


class Sibling(NamedTuple):
    """What is to be moved: its id, and its key if it is among the siblings already."""

    id: UUID
    key: str | None = None


class Gap(NamedTuple):
    """The keys right before and right after a placement; None at the start and at the end."""

    lower: str | None
    upper: str | None


async def keys_at(
    connection: Connection,
    siblings: Siblings,
    placement: Placement,
    moved: Sequence[Sibling],
    *path: str,
    end: int | None = None,
    unsaved: Sequence[str] = (),
) -> list[str] | UserError:
    """The keys of what is moved, in the order in which it is to stand; or why that can't be.

    What stands right already keeps its key. `end` is a number whose `position_key`, and those of the
    numbers after it, sort after all siblings; without one the end is after the greatest key. `unsaved` are
    keys of siblings that aren't stored yet. `path` is that of the placement in the arguments.
    """
    if placement.anchor_id in {sibling.id for sibling in moved}:
        message = "Name another one than what is moved."
        return invalid(ErrorCode.INVALID, message, *path, placement.edge)
    gap = await _find_gap(connection, siblings, placement, [sibling.id for sibling in moved])
    if gap is None:
        return not_found(*path, placement.edge)
    gap = _narrowed(gap, placement.edge, unsaved)
    near: Bound = "lower" if placement.edge in ("before", "last") else "upper"
    return keys_in(gap, [sibling.key for sibling in moved], near, end)


async def _find_gap(
    connection: Connection, siblings: Siblings, placement: Placement, moved_ids: list[UUID]
) -> Gap | None:
    """The gap between siblings that aren't moved themselves; None if the anchor isn't among them."""
    selected = {
        "before": f"({_nearest('s.position < a.position', 'DESC')}) AS lower, a.position AS upper",
        "after": f"a.position AS lower, ({_nearest('s.position > a.position')}) AS upper",
        "first": f"NULL AS lower, ({_nearest()}) AS upper",
        "last": f"({_nearest(direction='DESC')}) AS lower, NULL AS upper",
    }[placement.edge]
    condition, values = siblings.condition, [*siblings.values, moved_ids]
    text = f"SELECT {selected}"
    if placement.anchor_id:
        values.append(placement.anchor_id)
        text += f" FROM s a WHERE a.id = ${len(values)} AND a.{siblings.anchor_condition}"
    text = (
        f"WITH s AS NOT MATERIALIZED (SELECT * FROM {siblings.table} WHERE {condition}),"
        f" moved AS (SELECT unnest(${len(siblings.values) + 1}::uuid[]) AS id) {text}"
    )
    row = await connection.fetchrow(text, *values)
    return Gap(row["lower"], row["upper"]) if row else None


def _narrowed(gap: Gap, edge: Edge, keys: Sequence[str]) -> Gap:
    """The part of a gap that is next to a placement, with more keys in it."""
    inside = [key for key in keys if _is_inside(gap, key)]
    if not inside:
        return gap
    if edge in ("before", "last"):
        return Gap(max(inside), gap.upper)
    return Gap(gap.lower, min(inside))


def _nearest(condition: str = "true", direction: str = "ASC") -> str:
    """SQL for the first key, in a direction, of what isn't moved."""
    return (
        f"SELECT s.position FROM s WHERE {condition} AND s.id NOT IN (SELECT id FROM moved)"
        f" ORDER BY s.position {direction} LIMIT 1"
    )


def keys_in(
    gap: Gap, current: Sequence[str | None], near: Bound, end: int | None = None
) -> list[str]:
    """Keys in a gap, in ascending order, of which as many as possible are the current ones.

    A new key is no current one of another thing, since rows are updated one after the other.
    """
    unmoved = _ascending(gap, current)
    keys, lower, start = list[str](), gap.lower, 0
    for stop in [*unmoved, len(current)]:
        upper = current[stop] if stop < len(current) else gap.upper
        keys += _free_keys(Gap(lower, upper), stop - start, near, current, end)
        if stop < len(current):
            lower = current[stop]
            assert lower is not None
            keys.append(lower)
        start = stop + 1
    return keys


def _ascending(gap: Gap, current: Sequence[str | None]) -> list[int]:
    """Where the longest ascending subsequence of the keys inside the gap stands."""
    ends, previous = list[int](), list[int | None]()
    for index, key in enumerate(current):
        is_inside = key is not None and _is_inside(gap, key)
        length = (
            bisect_left(ends, key or "", key=lambda end: current[end] or "") if is_inside else 0
        )
        previous.append(ends[length - 1] if length else None)
        if is_inside:
            ends[length : length + 1] = [index]
    indexes, last = list[int](), ends[-1] if ends else None
    while last is not None:
        indexes.append(last)
        last = previous[last]
    return indexes[::-1]


def _is_inside(gap: Gap, key: str) -> bool:
    lower, upper = gap
    return (lower is None or lower < key) and (upper is None or key < upper)


def _free_keys(
    gap: Gap, count: int, near: Bound, current: Sequence[str | None], end: int | None
) -> list[str]:
    """New keys in a gap, none of which is a current one."""
    if not count:
        return []
    if gap.upper is None and end is not None:
        return [position_key(end + index) for index in range(count)]
    used = {key for key in current if key is not None and _is_inside(gap, key)}
    free = [key for key in keys_between(*gap, count + len(used), near) if key not in used]
    return free[-count:] if near == "upper" else free[:count]


async def renumber(connection: Connection, siblings: Siblings) -> None:
    """Give all siblings short keys in the order that they have; for keys longer than `MAX_KEY`."""
    rows = await connection.fetch(
        f"SELECT id, position FROM {siblings.table} WHERE {siblings.condition} ORDER BY position",
        *siblings.values,
    )
    if not rows:
        return
    # They sort after all keys that there are, since rows are updated one after the other.
    keys = keys_between(rows[-1]["position"], None, len(rows), "lower")
    values = (*siblings.values, [row["id"] for row in rows], keys)
    ids, positions = f"${len(values) - 1}::uuid[]", f"${len(values)}::text[]"
    await connection.execute(
        f"UPDATE {siblings.table} SET position = n.key FROM unnest({ids}, {positions})"
        f" AS n (sibling_id, key) WHERE {siblings.condition} AND id = n.sibling_id",
        *values,
    )
