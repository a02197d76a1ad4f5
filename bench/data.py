"""The data set: 1,000 users with 200 todos each, and one with 100,000."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid5

import asyncpg

from todo_gql.database import migrations
from todo_gql.database.models import Status
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.features.todos.recount import recount
from todo_gql.security.tokens import Claims, signed_access_token
from todo_gql.settings import Settings

SECRET_KEY = "a key for benchmarks, which keeps nothing secret"
USERS = 1_000
TODOS = 200
MANY_TODOS = 100_000
TAGS = 30
TODO_IDS = 200

NAMESPACE = UUID("8f0c6e9e-3c55-4a53-a4a5-7d1c9c3a0b5e")

# Each is about the users and numbers of todos in $1 and $2.
FILL = [
    """
    INSERT INTO users (id, username, username_key, email, email_key, password_hash, created_at,
        is_active, is_superuser, change_seq, pending_count, in_progress_count, completed_count,
        cancelled_count)
    SELECT o.id, 'user' || o.place, 'user' || o.place, 'user' || o.place || '@example.com',
        'user' || o.place || '@example.com', 'no password', now(), true, false, 0, 0, 0, 0, 0
    FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS o (id, number, place)
    """,
    """
    INSERT INTO sessions (id, owner_id, refresh_hash, spent_hashes, created_at, last_used_at,
        expires_at)
    SELECT o.id, o.id, sha256(o.id::text::bytea), '{}', now(), now(), now() + interval '365 days'
    FROM unnest($1::uuid[], $2::int[]) AS o (id, number)
    """,
    # The search text is what `search_text` of todo_gql.api makes of ASCII.
    r"""
    INSERT INTO todos (id, owner_id, title, description, search_text, status, priority, due_at,
        completed_at, estimated_minutes, metadata, version, created_at, updated_at, position)
    SELECT gen_random_uuid(), o.id, title, description,
        lower(title || coalesce(E'\x1f' || description, '')) || E'\x1e', n % 4, n / 7 % 4,
        CASE WHEN n % 3 > 0 THEN now() + make_interval(hours => n % 4000 - 400, secs => n) END,
        CASE WHEN n % 4 = 2 THEN now() - make_interval(mins => n % 5000) END,
        CASE WHEN n % 2 = 0 THEN n % 240 END, '{}', 1, now() - make_interval(secs => n),
        now() - make_interval(secs => n % 60000), position_key(o.number - n + 1)
    FROM unnest($1::uuid[], $2::int[]) AS o (id, number), generate_series(1, o.number) AS n,
        LATERAL (SELECT
            (ARRAY['Buy', 'Call', 'Write', 'Mend', 'Read', 'Book', 'Paint'])[n % 7 + 1]
                || ' number ' || n AS title,
            CASE WHEN n % 5 > 0 THEN 'Something to do, with words enough for a line of it' END
                AS description)
    """,
    """
    INSERT INTO tags (id, owner_id, name, todo_count)
    SELECT gen_random_uuid(), o.id, 'tag ' || n, 0
    FROM unnest($1::uuid[], $2::int[]) AS o (id, number), generate_series(1, 30) AS n
    """,
    # Two tags each, and a third on every other todo.
    """
    INSERT INTO todo_tags (owner_id, todo_id, tag_id)
    SELECT t.owner_id, t.id, g.id FROM (
        SELECT owner_id, id, row_number() OVER (PARTITION BY owner_id ORDER BY id) AS n FROM todos
        WHERE owner_id = ANY($1) AND $2::int[] IS NOT NULL
    ) t JOIN (
        SELECT owner_id, id, row_number() OVER (PARTITION BY owner_id ORDER BY id) AS n FROM tags
    ) g ON g.owner_id = t.owner_id AND (
        g.n IN (t.n % 30 + 1, (t.n + 7) % 30 + 1) OR t.n % 2 = 0 AND g.n = (t.n + 11) % 30 + 1
    )
    """,
    """
    UPDATE tags g SET todo_count = counted.number FROM (
        SELECT tag_id, count(*) AS number FROM todo_tags
        WHERE owner_id = ANY($1) AND $2::int[] IS NOT NULL GROUP BY tag_id
    ) counted WHERE g.id = counted.tag_id
    """,
    """
    INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
    SELECT gen_random_uuid(), owner_id, row_number() OVER (PARTITION BY owner_id ORDER BY created_at),
        id, owner_id, 0, jsonb_build_array(
            jsonb_build_object('name', 'title', 'before', null, 'after', title)), created_at
    FROM todos WHERE owner_id = ANY($1) AND $2::int[] IS NOT NULL
    """,
    """
    UPDATE users u SET change_seq = c.total, pending_count = c.pending,
        in_progress_count = c.in_progress, completed_count = c.completed,
        cancelled_count = c.cancelled
    FROM (
        SELECT owner_id, count(*) AS total, count(*) FILTER (WHERE status = 0) AS pending,
            count(*) FILTER (WHERE status = 1) AS in_progress,
            count(*) FILTER (WHERE status = 2) AS completed,
            count(*) FILTER (WHERE status = 3) AS cancelled
        FROM todos WHERE owner_id = ANY($1) AND $2::int[] IS NOT NULL GROUP BY owner_id
    ) c WHERE u.id = c.owner_id
    """,
]


@dataclass(frozen=True, slots=True)
class Owner:
    """A signed-in user, and some of their todos."""

    id: UUID
    token: str
    todo_ids: tuple[str, ...] = ()


def settings(**changes: object) -> Settings:
    """The settings that all servers share."""
    return Settings(_env_file=None, secret_key=SECRET_KEY, **changes)  # type: ignore[arg-type]


def owner_id(number: int) -> UUID:
    """The id of a user by their number; the last has many todos."""
    return uuid5(NAMESPACE, str(number))


async def owner(connection: asyncpg.Connection, number: int) -> Owner:
    """A user, signed in in the session that has their id."""
    id = owner_id(number)
    rows = await connection.fetch(
        "SELECT id FROM todos WHERE owner_id = $1 ORDER BY created_at DESC LIMIT $2", id, TODO_IDS
    )
    token = signed_access_token(Claims(id, id), settings(access_token_expire_minutes=600))
    return Owner(id, token, tuple(str(row["id"]) for row in rows))


@asynccontextmanager
async def fresh_copy(server_url: str, users: int = USERS) -> AsyncIterator[str]:
    """A database with all data as they are at first; they are made once and then copied.

    It has so many users, and one more who has many todos.
    """
    pristine = f"pristine_{_fingerprint()}_{users}"
    admin = await asyncpg.connect(server_url)
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", pristine):
            await admin.execute("DROP DATABASE IF EXISTS unfinished WITH (FORCE)")
            await admin.execute("CREATE DATABASE unfinished")
            await _fill(_database(server_url, "unfinished"), users)
            await admin.execute(f"ALTER DATABASE unfinished RENAME TO {pristine}")
        await admin.execute("DROP DATABASE IF EXISTS bench WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE bench TEMPLATE {pristine} STRATEGY file_copy")
        yield _database(server_url, "bench")
        await admin.execute("DROP DATABASE bench WITH (FORCE)")
    finally:
        await admin.close()


def _database(server_url: str, name: str) -> str:
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def _fingerprint() -> str:
    """Changes when the data or the tables do."""
    migrations = Path(__file__).parent.parent.joinpath("migrations").glob("*.py")
    texts = [*FILL, *(path.read_text(encoding="utf-8") for path in sorted(migrations))]
    return sha256("\0".join(texts).encode()).hexdigest()[:12]


async def _fill(url: str, users: int) -> None:
    await connect(url, settings())
    connection = await asyncpg.connect(url)
    try:
        await migrations.migrate()
        numbers = [TODOS] * users + [MANY_TODOS]
        ids = [owner_id(number) for number in range(len(numbers))]
        for statement in FILL:
            await connection.execute(statement, ids, numbers)
        for id in ids:
            await recount(id)
        await connection.execute("VACUUM ANALYZE")
        await _check(connection)
    finally:
        await connection.close()
        await disconnect()


async def _check(connection: asyncpg.Connection) -> None:
    """What the write path keeps must be what is there."""
    kept = " + ".join(f"{status.name.lower()}_count" for status in Status)
    wrong = await connection.fetchval(f"""
        SELECT (SELECT count(*) FROM users u WHERE {kept} <>
                (SELECT count(*) FROM todos t WHERE t.owner_id = u.id))
            + (SELECT count(*) FROM tags g WHERE todo_count <>
                (SELECT count(*) FROM todo_tags tt WHERE tt.owner_id = g.owner_id
                    AND tt.tag_id = g.id))
            + (SELECT count(*) FROM feeds f WHERE counted_seq <> seq OR seq <>
                (SELECT count(*) FROM changes c WHERE c.owner_id = f.owner_id))
    """)
    if wrong:
        raise AssertionError(f"{wrong} counts are not what is there.")
