"""Whether feeds have each change once for everybody who was in its list, and none for anybody else.

The log of each owner is the only witness: it has who joined and left, in the order of the commits.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import ChangeKind, EntityAction, ListRole

LOGS = """
SELECT owner_id, actor_id, seq, first_seq, kind, action, todo_id, entity_id, list_id, diff FROM changes
WHERE owner_id = ANY($1::uuid[]) ORDER BY owner_id, seq
"""
SPANS = """
SELECT owner_id, seq_from, seq_to, source_owner_id, source_from FROM spans
WHERE owner_id = ANY($1::uuid[]) ORDER BY owner_id, seq_from
"""
LISTS = "SELECT id, owner_id FROM lists WHERE owner_id = ANY($1::uuid[])"
FEEDS = "SELECT owner_id, seq, counted_seq, has_spans FROM feeds WHERE owner_id = ANY($1::uuid[])"
# What has come after a number, all of one moment: the numbers of own changes, and of spans of others'.
NUMBERS_AFTER = """
SELECT seq FROM (
    SELECT c.seq FROM changes c WHERE c.owner_id = $1 AND c.seq > $2
    UNION ALL SELECT s.seq_from + n FROM spans s, generate_series(0, s.seq_to - s.seq_from) n
    WHERE s.owner_id = $1 AND s.seq_to > $2
) f ORDER BY seq
"""
NEEDED = {
    ChangeKind.TODO: ListRole.EDITOR,
    ChangeKind.COMMENT: ListRole.EDITOR,
    ChangeKind.LIST: ListRole.MANAGER,
    ChangeKind.SECTION: ListRole.MANAGER,
    ChangeKind.MEMBER: ListRole.MANAGER,
}
"""What somebody else than the owner has to be for a change of each kind."""


class Feeds(NamedTuple):
    """What is wrong with the feeds, in words, and how many changes of how many recipients were checked."""

    wrong: list[str]
    changes: int
    received: int


async def checked_feeds(user_ids: Iterable[UUID]) -> Feeds:
    """Check the feeds of these people, who are all that share lists with each other.

    Nobody may have been a member of a list before the log of its owner says so.
    """
    ids = list(user_ids)
    logs, spans = await fetch(LOGS, ids), await fetch(SPANS, ids)
    feeds = {row["owner_id"]: row for row in await fetch(FEEDS, ids)}
    received = _received(spans)
    wrong = [*_wrong_numbers(feeds, logs, spans)]
    owners = {row["id"]: row["owner_id"] for row in await fetch(LISTS, ids)}
    for owner_id in ids:
        log = [row for row in logs if row["owner_id"] == owner_id]
        wrong += _wrong_recipients(owner_id, log, received[owner_id])
        wrong += _wrong_actors(
            owner_id, log, {id for id, owner in owners.items() if owner == owner_id}
        )
    return Feeds(
        wrong, len(logs), sum(len(one) for by_seq in received.values() for one in by_seq.values())
    )


async def follow(user_id: UUID, after: int) -> int:
    """The newest number of a feed; those after a number that was read before have to be without gaps."""
    numbers = [
        row["seq"] for row in await fetch(NUMBERS_AFTER, user_id, after) if row["seq"] > after
    ]
    assert numbers == list(range(after + 1, after + 1 + len(numbers)))
    return after + len(numbers)


def _received(spans: Iterable[Row]) -> dict[UUID, dict[int, list[UUID]]]:
    """By the owner and the number of each change in the owner's log, who gets it by a span."""
    received = defaultdict[UUID, defaultdict[int, list[UUID]]](lambda: defaultdict(list))
    for span in spans:
        number = span["seq_to"] - span["seq_from"] + 1
        for seq in range(span["source_from"], span["source_from"] + number):
            received[span["source_owner_id"]][seq].append(span["owner_id"])
    return received  # type: ignore[return-value] # it grows by what is looked up


def _wrong_numbers(
    feeds: Mapping[UUID, Row], logs: Iterable[Row], spans: Iterable[Row]
) -> Iterable[str]:
    numbers = defaultdict[UUID, list[int]](list)
    for row in logs:
        numbers[row["owner_id"]].append(row["seq"])
    with_spans = set()
    for span in spans:
        with_spans.add(span["owner_id"])
        numbers[span["owner_id"]] += range(span["seq_from"], span["seq_to"] + 1)
    for owner_id, feed in feeds.items():
        if sorted(numbers[owner_id]) != list(range(1, feed["seq"] + 1)):
            yield f"the feed of {owner_id} has gaps, or numbers twice"
        if feed["counted_seq"] != feed["seq"]:
            yield f"the counts of {owner_id} are behind"
        if feed["has_spans"] is not (owner_id in with_spans):
            yield f"the feed of {owner_id} doesn't know of its spans"


def _wrong_recipients(
    owner_id: UUID, log: Iterable[Row], received: Mapping[int, list[UUID]]
) -> Iterable[str]:
    members = defaultdict[UUID, set[UUID]](set)
    mutations = defaultdict[int, list[Row]](list)
    for row in log:
        mutations[row["first_seq"]].append(row)
    for rows in mutations.values():
        # Who joins or leaves in a mutation may get all of its changes of the list.
        passing = {(row["list_id"], row["entity_id"]) for row in rows if _is_passing(row)}
        for row in rows:
            lists = _lists_of(row)
            if _is_passing(row):
                members[row["list_id"]].add(row["entity_id"])
            expected = set().union(*(members[id] for id in lists)) - {owner_id}
            allowed = expected | {user_id for id, user_id in passing if id in lists}
            actual = received.get(row["seq"], [])
            if len(set(actual)) != len(actual) or not expected <= set(actual) <= allowed:
                yield (
                    f"change {row['seq']} of {owner_id}, of kind {row['kind']} and action {row['action']},"
                    f" is sent to {sorted(map(str, actual))} instead of {sorted(map(str, expected))}"
                )
            if row["kind"] == ChangeKind.MEMBER and row["action"] == EntityAction.LEFT:
                members[row["list_id"]].discard(row["entity_id"])


def _wrong_actors(
    owner_id: UUID, log: Iterable[Row], own_lists: AbstractSet[UUID]
) -> Iterable[str]:
    """Changes by who had too little a role for them: it is what the log says, before the change and after it."""
    roles: dict[tuple[UUID, UUID], ListRole] = {}
    for row in log:
        actor_id, member = row["actor_id"], (row["list_id"], row["entity_id"])
        lists = _lists_of(row) & own_lists
        held = [roles.get((id, actor_id)) for id in lists]
        if row["kind"] == ChangeKind.MEMBER:
            [role] = [entry for entry in orjson.loads(row["diff"]) if entry["name"] == "role"]
            roles.pop(member, None)
            if role["after"]:
                roles[member] = ListRole[role["after"]]
            if actor_id == row["entity_id"] and row["action"] != EntityAction.ROLE_CHANGED:
                continue
        needed = NEEDED[ChangeKind(row["kind"])]
        if actor_id != owner_id and not (held and all(role and role >= needed for role in held)):
            yield (
                f"change {row['seq']} of {owner_id}, of kind {row['kind']} and action {row['action']},"
                f" is by {actor_id}, who is {held} and had to be {needed!r}"
            )


def _is_passing(row: Row) -> bool:
    return bool(
        row["kind"] == ChangeKind.MEMBER
        and row["action"] in (EntityAction.JOINED, EntityAction.LEFT)
    )


def _lists_of(row: Row) -> set[UUID]:
    """The lists of a change: where it is after it, and where it was before, unless another owner has it now."""
    lists = {row["list_id"]}
    if row["kind"] == ChangeKind.TODO:
        moves: list[dict[str, Any]] = [
            entry for entry in orjson.loads(row["diff"]) if entry["name"] == "listId"
        ]
        lists |= {UUID(entry["before"]) for entry in moves if entry["before"]}
    return {id for id in lists if id}
