"""Migrations that change rows and indexes of a database while the previous release writes to it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import Random
from typing import TypeAlias
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from tests.support.databases import fresh_database
from tests.support.migration_commands import ended, migrate_to, migrating
from tests.support.waiting import until
from todo_gql.api.search_text import search_text

pytestmark = pytest.mark.own_schema

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

OWNERS = 3
TODOS = 700
FILL = """
INSERT INTO users (id, username, username_key, email, email_key, password_hash, is_active,
    is_superuser, created_at, change_seq, pending_count, in_progress_count, completed_count,
    cancelled_count, counted_seq)
SELECT lpad(n::text, 32, '0')::uuid, n, n, n, n, 'x', true, false, now(), $2, $2 - $2 / 7, 0, 0, 0, $2
FROM generate_series(1, $1::int) n;
"""
FILL_TODOS = """
INSERT INTO todos (id, owner_id, title, due_at, deleted_at, metadata, version, created_at, updated_at,
    status, priority)
SELECT gen_random_uuid(), u.id, 'Stra\u00dfe ' || n,
    CASE WHEN n % 3 = 0 THEN '2026-03-01 23:30+00'::timestamptz + make_interval(days => n) END,
    CASE WHEN n % 7 = 0 THEN now() END, '{}', 1,
    -- Some are created at the same time, as a bulk does.
    now() - make_interval(secs => n / 4 * 4), now(), 0, 0
FROM users u, generate_series(1, $1::int) n
"""
INSERT_TODO = """
INSERT INTO todos (id, owner_id, title, due_at, metadata, version, created_at, updated_at, status,
    priority)
VALUES (gen_random_uuid(), $1, 'Caf\u00c9', '2026-03-01 12:00+00', '{}', 1, clock_timestamp(), now(), 0, 0)
"""
LOCK = "SELECT change_seq FROM users WHERE id = $1 FOR UPDATE"
COUNT_CREATED = (
    "UPDATE users SET change_seq = change_seq + 1, pending_count = pending_count + 1 WHERE id = $1"
)
COUNT_CHANGE = "UPDATE users SET change_seq = change_seq + 1 WHERE id = $1"
RENAME = """
UPDATE todos SET title = title || ' \u00c9', version = version + 1, updated_at = now()
WHERE id = (SELECT id FROM todos WHERE owner_id = $1 ORDER BY random() LIMIT 1)
"""
PURGE = """
DELETE FROM todos WHERE id = (
    SELECT id FROM todos WHERE owner_id = $1 AND deleted_at IS NOT NULL ORDER BY random() LIMIT 1)
"""
SEARCHED = "SELECT title, description, search_text FROM todos"
DISORDERED = """
SELECT count(*) FROM (
    SELECT position, created_at, lag(position) OVER o AS before FROM todos
    WINDOW o AS (PARTITION BY owner_id ORDER BY created_at, id)
) t WHERE position IS NULL OR position <= before COLLATE "C"
"""
WRONG_DAYS = """
SELECT count(*) FROM todos WHERE due_on IS DISTINCT FROM (due_at AT TIME ZONE 'UTC')::date
"""
WRONG_FEEDS = """
SELECT count(*) FROM users u LEFT JOIN feeds f ON f.owner_id = u.id
WHERE (f.seq, f.pending_count) IS DISTINCT FROM (u.change_seq, u.pending_count)
    OR f.counted_seq >= f.seq
"""
IS_RECORDED = "SELECT count(*) FROM tortoise_migrations WHERE name = $1"
ONLINE = "0011_positions_and_search_texts"
FORGET = f"DELETE FROM tortoise_migrations WHERE name IN ('{ONLINE}', '0012_search_texts')"
WAITS_FOR_ROW = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'todo_gql migrate' AND wait_event_type = 'Lock')
"""
SCHEMA = """
SELECT 'index ' || pg_get_indexdef(indexrelid) AS line FROM pg_index
WHERE indrelid::regclass::text NOT LIKE 'pg_%'
UNION ALL SELECT format('constraint %s of %s: %s, %s', conname, conrelid::regclass,
    pg_get_constraintdef(oid), convalidated)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT format('column %s.%s: %s, %s, %s', attrelid::regclass, attname, atttypid::regtype,
    attnotnull, attstattarget)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND attnum > 0
"""


@pytest.fixture(scope="module")
async def template(server_url: str) -> AsyncIterator[str]:
    """A database of the previous release with todos of some owners, and the new columns."""
    async with fresh_database(server_url) as url:
        await migrate_to(url, "0010_lists_and_feeds")
        connection = await asyncpg.connect(url)
        # As if the rows had been there before the triggers of the new columns.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(FILL.replace("$1", str(OWNERS)).replace("$2", str(TODOS)))
        await connection.execute(FILL_TODOS, TODOS)
        await connection.close()
        yield url


@asynccontextmanager
async def copy_of(server_url: str, template: str) -> AsyncIterator[str]:
    """A copy of a database."""
    name = urlsplit(template).path.removeprefix("/")
    copy = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    yield urlunsplit(urlsplit(template)._replace(path=f"/{copy}"))
    await connection.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
    await connection.close()


@pytest.fixture(scope="module")
async def migrated_template(server_url: str, template: str) -> AsyncIterator[str]:
    """A database that was of the previous release."""
    async with copy_of(server_url, template) as url:
        await asyncio.to_thread(run, url)
        yield url


@pytest.fixture
async def previous_url(server_url: str, template: str) -> AsyncIterator[str]:
    """A database of the previous release of the test's own."""
    async with copy_of(server_url, template) as url:
        yield url


@pytest.fixture
async def migrated_url(server_url: str, migrated_template: str) -> AsyncIterator[str]:
    """A migrated database of the test's own."""
    async with copy_of(server_url, migrated_template) as url:
        yield url


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """A connection to a database."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def database(previous_url: str) -> AsyncIterator[Connection]:
    """A connection to the database of the previous release."""
    async with connected(previous_url) as connection:
        yield connection


@pytest.fixture
async def migrated(migrated_url: str) -> AsyncIterator[Connection]:
    """A connection to the migrated database."""
    async with connected(migrated_url) as connection:
        yield connection


async def owner_ids(database: Connection) -> list[object]:
    """The ids of all owners."""
    return [row["id"] for row in await database.fetch("SELECT id FROM users ORDER BY id")]


async def check_rows(database: Connection, unfilled: int = 0) -> None:
    """Every todo has its own position, in order, its day, and its search text but for so many."""
    assert await database.fetchval(DISORDERED) == 0
    assert await database.fetchval(WRONG_DAYS) == 0
    assert await database.fetchval(WRONG_FEEDS) == 0
    rows = await database.fetch(SEARCHED)
    filled = [row for row in rows if row["search_text"] is not None]
    assert [search_text(row["title"], row["description"]) for row in filled] == [
        row["search_text"] for row in filled
    ]
    assert len(rows) - len(filled) <= unfilled


@asynccontextmanager
async def locked_owner(url: str, owner_id: object) -> AsyncIterator[Connection]:
    """A transaction of the previous release that writes to an owner's data."""
    writer = await asyncpg.connect(url)
    try:
        async with writer.transaction():
            await writer.fetchval(LOCK, owner_id)
            yield writer
    finally:
        await writer.close()


def run(url: str) -> list[str]:
    """Migrate, and return what is printed."""
    with migrating(url) as process:
        return ended(process)


async def test_killed_backfill_is_continued_by_the_next_run(
    previous_url: str, database: Connection
) -> None:
    """A migration isn't recorded before its last step, and the next run does what is missing."""
    last = (await owner_ids(database))[-1]
    async with locked_owner(previous_url, last):
        with migrating(previous_url) as process:
            await until(lambda: database.fetchval(WAITS_FOR_ROW))
            process.kill()
    assert await database.fetchval(IS_RECORDED, ONLINE) == 0
    done = await asyncio.to_thread(run, previous_url)
    assert done[0] == f"Applied the migration {ONLINE}."
    await check_rows(database)


async def test_a_new_number_follows_those_of_an_interrupted_run(
    migrated_url: str, migrated: Connection
) -> None:
    """Todos that were purged or created between two runs cause no number to be used twice."""
    await migrated.execute(
        f"ALTER TABLE todos ALTER position DROP NOT NULL; {FORGET};"
        " UPDATE todos SET position = NULL WHERE position > position_key(300);"
        " DELETE FROM todos WHERE position < position_key(200)"
    )
    for owner_id in await owner_ids(migrated):
        await migrated.execute(INSERT_TODO, owner_id)
        await migrated.execute(COUNT_CREATED, owner_id)
    await asyncio.to_thread(run, migrated_url)
    await check_rows(migrated, unfilled=OWNERS)


async def test_row_in_use_is_waited_for_in_short_tries(
    previous_url: str, database: Connection
) -> None:
    """A write of the previous release that takes long is waited for, and its todo gets a position."""
    last = (await owner_ids(database))[-1]
    async with locked_owner(previous_url, last) as writer:
        with migrating(previous_url) as process:
            await until(lambda: database.fetchval(WAITS_FOR_ROW))
            warning = await asyncio.to_thread(next_warning, process.stderr)
            assert "A row is in use; migrating again in 1 s." in warning
            await writer.execute(INSERT_TODO, last)
            await writer.execute(COUNT_CREATED, last)
            await writer.execute("COMMIT; BEGIN")
            await asyncio.to_thread(ended, process)
    await check_rows(database)


def next_warning(lines: Iterator[str]) -> str:
    """The next line of a log that is a warning."""
    return next(line for line in lines if "WARNING" in line)


async def write_as_previous_release(url: str, seed: int, stopped: asyncio.Event) -> int:
    """Create, rename and purge todos of random owners until stopped; returns the number of todos."""
    random = Random(seed)
    writer = await asyncpg.connect(url, server_settings={"lock_timeout": "2s"})
    owners = await owner_ids(writer)
    created = 0
    while not stopped.is_set():
        owner_id = random.choice(owners)
        statement = random.choice((INSERT_TODO, RENAME, PURGE))
        async with writer.transaction():
            await writer.fetchval(LOCK, owner_id)
            changed = await writer.execute(statement, owner_id)
            created += {INSERT_TODO: 1, RENAME: 0, PURGE: -int(changed[-1])}[statement]
            await writer.execute(
                COUNT_CREATED if statement == INSERT_TODO else COUNT_CHANGE, owner_id
            )
        await asyncio.sleep(0.005)
    await writer.close()
    return created


async def test_previous_release_writes_during_the_migration_and_after_it(
    previous_url: str, database: Connection
) -> None:
    """No write fails or is lost, and all positions differ, whichever release created the todos."""
    stopped = asyncio.Event()
    writers = [
        asyncio.create_task(write_as_previous_release(previous_url, seed, stopped))
        for seed in range(2)
    ]
    await asyncio.to_thread(run, previous_url)
    for owner_id in await owner_ids(database):
        async with database.transaction():
            seq = await database.fetchval(LOCK, owner_id)
            await database.execute(
                INSERT_TODO.replace("priority)", "priority, position)").replace(
                    "0, 0)", f"0, 0, position_key({seq + 1}))"
                ),
                owner_id,
            )
            await database.execute(COUNT_CREATED, owner_id)
    stopped.set()
    created = sum(await asyncio.gather(*writers))
    assert await database.fetchval("SELECT count(*) FROM todos") == (TODOS + 1) * OWNERS + created
    unfilled = await database.fetchval("SELECT count(*) FROM todos WHERE search_text IS NULL")
    await check_rows(database, unfilled)


async def test_invalid_index_is_created_again(migrated_url: str, migrated: Connection) -> None:
    """What an interrupted CREATE INDEX CONCURRENTLY has left is replaced by a valid index."""
    file = "SELECT relfilenode FROM pg_class WHERE relname = $1"
    names = ("todos_by_position", "todos_by_due_on")
    files = [await migrated.fetchval(file, name) for name in names]
    await migrated.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'todos_by_position'::regclass;"
        f" {FORGET}"
    )
    await asyncio.to_thread(run, migrated_url)
    assert await migrated.fetchval("SELECT bool_and(indisvalid) FROM pg_index")
    assert await migrated.fetchval(file, names[0]) != files[0]
    assert await migrated.fetchval(file, names[1]) == files[1]


async def test_migrated_database_has_the_schema_of_a_new_one(
    migrated: Connection, database_url: str
) -> None:
    """Only indexes that the previous release reads are left, which a new database lacks."""
    async with connected(database_url) as new:
        lines = [{row["line"] for row in await one.fetch(SCHEMA)} for one in (migrated, new)]
    assert not lines[1] - lines[0]
    assert {line.split()[3] for line in lines[0] - lines[1]} == {
        *("todos_by_text", "todos_open_by_due_at")
    }
