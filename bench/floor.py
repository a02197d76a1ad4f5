"""The floor: each operation by hand, without GraphQL and ORM, answering the same bytes."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from starlette.types import Receive, Scope, Send
from uuid_utils.compat import uuid7

from bench.data import settings
from todo_gql.database.models import Priority, Status
from todo_gql.database.tortoise_backend import SESSION_SETTINGS
from todo_gql.security.tokens import verified_claims
from todo_gql.server.garbage_collection import tune_garbage_collector
from todo_gql.settings import Settings

TAGS = (
    "ARRAY(SELECT g.name FROM todo_tags tt"
    " JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id"
    " WHERE tt.owner_id = t.owner_id AND tt.todo_id = t.id ORDER BY g.name)"
)
COLUMNS = (
    "t.id, t.title, t.description, t.status, t.priority, t.due_at, t.completed_at, t.version,"
    f" t.created_at, t.updated_at, {TAGS}"
)
NEWEST = (
    "FROM todos t WHERE t.owner_id = $1 AND t.deleted_at IS NULL"
    " ORDER BY t.created_at DESC, t.id DESC"
)
KEPT = "pending_count, in_progress_count, completed_count, cancelled_count"

ONE = f"SELECT {COLUMNS} FROM todos t WHERE t.owner_id = $1 AND t.id = $2 AND t.deleted_at IS NULL"
PAGE = (
    f"SELECT {COLUMNS}, (SELECT {KEPT.replace(', ', ' + ')} FROM users WHERE id = $1)"
    f" {NEWEST} LIMIT 20"
)
OWNED = (
    f"SELECT {COLUMNS}, u.username FROM (SELECT t.* {NEWEST} LIMIT 100) t"
    " JOIN users u ON u.id = t.owner_id ORDER BY t.created_at DESC, t.id DESC"
)
STATS = (
    f"SELECT {KEPT}, (SELECT count(*) FROM todos WHERE owner_id = $1 AND deleted_at IS NULL"
    " AND status IN (0, 1) AND due_at < now()) FROM users WHERE id = $1"
)
STATS_KEPT = f"SELECT {KEPT} FROM users WHERE id = $1"
LOCK = "SELECT clock_timestamp() FROM users WHERE id = $1 FOR NO KEY UPDATE"
CREATE = """
WITH todo AS (
    INSERT INTO todos (id, owner_id, title, status, priority, metadata, version, created_at,
        updated_at)
    VALUES ($2, $1, $3, 0, 1, '{}', 1, $7, $7)
), named AS (SELECT * FROM unnest($4::uuid[], $5::text[]) AS n (id, name)
), kept AS (
    UPDATE tags g SET todo_count = todo_count + 1 FROM named n
    WHERE g.owner_id = $1 AND g.name = n.name RETURNING g.id, g.name
), made AS (
    INSERT INTO tags (id, owner_id, name, todo_count)
    SELECT n.id, $1, n.name, 1 FROM named n WHERE n.name NOT IN (SELECT name FROM kept)
    RETURNING id
), tagged AS (
    INSERT INTO todo_tags (owner_id, todo_id, tag_id)
    SELECT $1, $2, g.id FROM (SELECT id FROM kept UNION ALL SELECT id FROM made) g
), counted AS (
    UPDATE users SET change_seq = change_seq + 1, pending_count = pending_count + 1
    WHERE id = $1 RETURNING change_seq
)
INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
SELECT $6, $1, change_seq, $2, $1, 0, $8, $7 FROM counted
"""

STATUSES = [status.name for status in Status]
PRIORITIES = [priority.name for priority in Priority]


class Connections:
    """As many connections as the server has, the one that was used last first."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.idle = asyncio.LifoQueue[asyncpg.Connection]()

    async def open(self, url: str) -> None:
        """Open all connections."""
        for _ in range(self.number):
            self.idle.put_nowait(await asyncpg.connect(url, server_settings=SESSION_SETTINGS))

    async def fetch(self, sql: str, *values: object) -> list[asyncpg.Record]:
        """The rows of a prepared statement."""
        connection = await self.idle.get()
        try:
            return await connection.fetch(sql, *values)
        finally:
            self.idle.put_nowait(connection)


def time(moment: datetime | None) -> str | None:
    """A moment as RFC 3339, to the microsecond."""
    return None if moment is None else moment.isoformat(timespec="microseconds")[:-6] + "Z"


def todo(row: asyncpg.Record | tuple[Any, ...]) -> dict[str, object]:
    """A todo as the answer shows it."""
    return {
        "id": str(row[0]),
        "title": row[1],
        "description": row[2],
        "status": STATUSES[row[3]],
        "priority": PRIORITIES[row[4]],
        "dueAt": time(row[5]),
        "completedAt": time(row[6]),
        "version": row[7],
        "createdAt": time(row[8]),
        "updatedAt": time(row[9]),
        "tags": [{"name": name} for name in row[10]],
    }


Variables = dict[str, object]


class Floor:
    """A handler for each operation."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.handlers: dict[str, Callable[[UUID, Variables], Awaitable[object]]] = {
            "O1": self.typename,
            "O2": self.one,
            "O3": self.page,
            "O4": self.owned,
            "O5": self.stats,
            "O5k": self.kept_stats,
            "O6": self.create,
        }

    async def typename(self, _owner_id: UUID, _variables: Variables) -> object:
        """O1."""
        return {"__typename": "Query"}

    async def one(self, owner_id: UUID, variables: Variables) -> object:
        """O2."""
        rows = await self.connections.fetch(ONE, owner_id, UUID(str(variables["id"])))
        return {"todo": todo(rows[0]) if rows else None}

    async def page(self, owner_id: UUID, _variables: Variables) -> object:
        """O3."""
        rows = await self.connections.fetch(PAGE, owner_id)
        return {"todos": {"nodes": [*map(todo, rows)], "totalCount": rows[0][11] if rows else 0}}

    async def owned(self, owner_id: UUID, _variables: Variables) -> object:
        """O4."""
        rows = await self.connections.fetch(OWNED, owner_id)
        nodes = [{**todo(row), "owner": {"id": str(owner_id), "username": row[11]}} for row in rows]
        return {"todos": {"nodes": nodes}}

    async def stats(self, owner_id: UUID, _variables: Variables) -> object:
        """O5."""
        [row] = await self.connections.fetch(STATS, owner_id)
        return {"stats": {**_counts(row), "overdue": row[4]}}

    async def kept_stats(self, owner_id: UUID, _variables: Variables) -> object:
        """O5 without what the clock moves."""
        [row] = await self.connections.fetch(STATS_KEPT, owner_id)
        return {"stats": _counts(row)}

    async def create(self, owner_id: UUID, variables: Variables) -> object:
        """O6."""
        given = variables["input"]
        assert isinstance(given, dict)
        id, title, names = UUID(given["id"]), given["title"], sorted(given["tags"])
        diff = orjson.dumps(
            [
                {"name": name, "before": None, "after": after}
                for name, after in (
                    ("priority", "MEDIUM"),
                    ("status", "PENDING"),
                    ("tags", names),
                    ("title", title),
                )
            ]
        ).decode()
        connection = await self.connections.idle.get()
        try:
            async with connection.transaction():
                now = await connection.fetchval(LOCK, owner_id)
                await connection.execute(
                    CREATE, owner_id, id, title, [uuid7() for _ in names], names, uuid7(), now, diff
                )
        finally:
            self.connections.idle.put_nowait(connection)
        made = (id, title, None, 0, 1, None, None, 1, now, now, names)
        return {"todoCreate": {"todo": todo(made), "errors": []}}


def _counts(row: asyncpg.Record) -> dict[str, object]:
    total = row[0] + row[1] + row[2] + row[3]
    return {
        "total": total,
        "pending": row[0],
        "inProgress": row[1],
        "completed": row[2],
        "cancelled": row[3],
        "completionRate": 100 * row[2] / total if total else 0.0,
    }


class App:
    """The floor as an ASGI application."""

    def __init__(self, database_url: str, settings: Settings) -> None:
        self.database_url = database_url
        self.settings = settings
        self.connections = Connections(settings.database_pool_size + settings.database_max_overflow)
        self.floor = Floor(self.connections)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await receive()
            await self.connections.open(self.database_url)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        answer = orjson.dumps({"data": await self.data(scope, body)})
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def data(self, scope: Scope, body: bytes) -> object:
        """What the handler of the operation gives."""
        if scope["path"] == "/health/live":
            return None
        authorization = next(value for name, value in scope["headers"] if name == b"authorization")
        claims = verified_claims(authorization[7:].decode(), self.settings)
        assert claims is not None
        request = orjson.loads(body)
        handler = self.floor.handlers[request["operationName"]]
        return await handler(claims.user_id, request["variables"])


def main() -> None:
    """Serve the database of DATABASE_URL on a port of 127.0.0.1."""
    app = App(os.environ["DATABASE_URL"], settings(access_token_expire_minutes=600))
    tune_garbage_collector()
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
