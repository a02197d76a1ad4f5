"""What PostgreSQL takes for a page of a feed of which half are others' changes, told one by one.

`python -m bench.feeds` fills a database of its own, prints a line for each statement, and fails above the
limit. The time is that of the execution, as EXPLAIN ANALYZE says it, of a statement that is prepared.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import orjson

from bench.data import settings
from todo_gql.changelog import spans
from todo_gql.changelog.access import LOG_COLUMNS, log_of
from todo_gql.changelog.positions import LOG
from todo_gql.database import migrations
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

NUMBERS: Final = 300_000
PAGE: Final = 100
RUNS: Final = 51
LIMIT_MS: Final = 2.0
INSERT_USER: Final = """
INSERT INTO users (id, username, username_key, email, email_key, password_hash, created_at,
    is_active, is_superuser, change_seq, pending_count, in_progress_count, completed_count, cancelled_count)
VALUES ($1, $2, $2, $2, $2, 'no password', now(), true, false, 0, 0, 0, 0, 0)
"""
INSERT_CHANGES: Final = """
INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
SELECT gen_random_uuid(), $1, n, gen_random_uuid(), $1, 1,
    '[{"name": "title", "before": "Water the plants", "after": "Water all the plants"}]', now()
FROM generate_series($2::bigint, $3, $4) n
"""
INSERT_SPANS: Final = """
INSERT INTO spans (owner_id, seq_from, seq_to, source_owner_id, source_from, at)
SELECT $1, 2 * n, 2 * n, $2, n, now() FROM generate_series(1, $3::bigint) n
"""
END: Final = "UPDATE feeds SET seq = $2, has_spans = $3::text::bool WHERE owner_id = $1"


async def _fill(connection: Any) -> tuple[UUID, UUID]:
    """The member of a feed of which every second number is another owner's change; and that owner."""
    member, owner = uuid4(), uuid4()
    for id, name in ((member, "member"), (owner, "owner")):
        await connection.execute(INSERT_USER, id, name)
    half = NUMBERS // 2
    await connection.execute(INSERT_CHANGES, member, 1, NUMBERS, 2)
    await connection.execute(INSERT_CHANGES, owner, 1, half, 1)
    await connection.execute(INSERT_SPANS, member, owner, half)
    await connection.execute(END, member, NUMBERS, "true")
    await connection.execute(END, owner, half, "false")
    await connection.execute("VACUUM ANALYZE")
    return member, owner


async def _median_ms(connection: Any, name: str, text: str, types: str, *values: object) -> float:
    """The median of the execution times of a statement, as PostgreSQL plans it when it is prepared."""
    await connection.execute(f"PREPARE {name} ({types}) AS {text}")
    literals = ", ".join(f"'{value}'" for value in values)
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE {name} ({literals})"
    times = []
    for _ in range(RUNS):
        [plan] = orjson.loads(await connection.fetchval(explain))
        times.append(plan["Execution Time"])
    return float(median(times))


async def _measure(url: str) -> dict[str, float]:
    await connect(url, settings())
    await migrations.migrate()
    await disconnect()
    connection = await asyncpg.connect(url)
    try:
        member, owner = await _fill(connection)
        statement = log_of(owner)
        statement.where(f"c.seq >= {statement.bind(0)}")
        own = statement.select(LOG_COLUMNS, "c.seq", PAGE + 1)
        middle, last = NUMBERS // 2, NUMBERS - PAGE
        spanned, numbers = spans.CHANGES, "uuid, bigint, bigint"
        measured = {}
        for name, start in (("first", 0), ("middle", middle), ("last", last)):
            measured[f"{name} page, half others'"] = await _median_ms(
                connection, name, spanned, numbers, member, start, start + PAGE
            )
            measured[f"{name} page, own alone"] = await _median_ms(
                connection, f"own_{name}", own, "uuid, bigint", owner, start // 2
            )
        for name, id in (("half others'", member), ("own alone", owner)):
            label = f"end_{id.hex}"
            measured[f"end and position, {name}"] = await _median_ms(
                connection, label, LOG, "uuid, bigint", id, middle // 2
            )
        return measured
    finally:
        await connection.close()


def main() -> int:
    """Print the times; 1 if one is above the limit."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "data"), durable=False) as url,
    ):
        measured = asyncio.run(_measure(url))
    for name, taken in measured.items():
        print(f"{taken:7.3f} ms  {name}")
    worst = max(measured.values())
    print(f"worst {worst:.2f} ms, at most {LIMIT_MS} ms")
    return int(worst > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
