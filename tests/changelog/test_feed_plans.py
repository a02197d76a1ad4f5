"""What PostgreSQL reads for a page of a feed that has many spans."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.support.accounts import Account
from todo_gql.changelog.spans import CHANGES
from todo_gql.database.connection import acquire, transaction

NUMBERS = 20_000
# Every second number is a span of one change.
FILL = [
    """
    INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
    SELECT gen_random_uuid(), o.id, n * o.step - o.step + 1, gen_random_uuid(), o.id, 1, '[]', now()
    FROM (VALUES ($1::uuid, 2), ($2::uuid, 1)) AS o (id, step), generate_series(1, $3::bigint / 2) n
    """,
    """
    INSERT INTO spans (owner_id, seq_from, seq_to, source_owner_id, source_from, at)
    SELECT $1, 2 * n, 2 * n, $2, n, now() FROM generate_series(1, $3::bigint / 2) n
    """,
    "UPDATE feeds SET seq = $3, has_spans = owner_id = $1 WHERE owner_id IN ($1, $2)",
]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def test_a_page_reads_as_much_as_it_has(account: Account, stranger: Account) -> None:
    """A page of a feed of many spans is read by indexes, some rows for each of its numbers."""
    owners = UUID(account.id), UUID(stranger.id)
    async with transaction() as connection:
        for statement in FILL:
            await connection.execute(statement, *owners, NUMBERS)
    async with acquire() as connection:
        await connection.execute("ANALYZE changes, spans")
        start = NUMBERS // 2
        explained = await connection.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {CHANGES}", owners[0], start, start + 100
        )
    [plan] = json.loads(explained)
    assert plan["Plan"]["Actual Rows"] == 101
    for node in nodes(plan["Plan"]):
        # A table of one row for each account is read whole where there are few of them.
        is_small = node.get("Relation Name") == "feeds"
        assert is_small or node["Node Type"] != "Seq Scan", node.get("Relation Name")
        read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        assert read * node["Actual Loops"] <= 4 * 101, node["Node Type"]
