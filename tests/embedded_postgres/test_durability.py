"""What was acknowledged is there after a crash: once, and whole."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import psutil

from tests.support.accounts import CREATE, PASSWORD, REGISTER
from tests.support.processes import Server, postgres_of, serving
from todo_gql.database.models import Action
from todo_gql.embedded_postgres.cluster import running_url

WRITERS = 6
STORED = """
SELECT t.id, t.version, c.seq, c.action, ARRAY(
    SELECT g.name::text FROM todo_tags tt JOIN tags g ON g.id = tt.tag_id
    WHERE tt.todo_id = t.id ORDER BY g.name) AS tags
FROM todos t FULL JOIN changes c ON c.todo_id = t.id ORDER BY c.seq
"""
COUNTED = """
SELECT change_seq, pending_count, in_progress_count + completed_count + cancelled_count AS others
FROM users
"""


@dataclass
class Writers:
    """Clients of one account that make todos until something goes wrong."""

    token: str
    address: str = ""
    sent: dict[UUID, list[str]] = field(default_factory=dict)
    acknowledged: set[UUID] = field(default_factory=set)

    async def write(self, enough: int, crash: Callable[[], None]) -> None:
        """Have all of them at work when the crash comes, after so many more todos."""
        enough += len(self.acknowledged)

        async def write(http: httpx.AsyncClient) -> None:
            while True:
                todo_id = uuid4()
                self.sent[todo_id] = ["kept", f"number {len(self.sent) % 5}"]
                if await self.send(http, todo_id) != []:
                    return
                self.acknowledged.add(todo_id)
                if len(self.acknowledged) == enough:
                    crash()

        async with self.client() as http:
            await asyncio.gather(*(write(http) for _ in range(WRITERS)))

    async def write_again(self) -> None:
        """Send once more what nobody answered, as a client does that wants to be sure."""
        async with self.client() as http:
            for todo_id in self.sent.keys() - self.acknowledged:
                assert await self.send(http, todo_id) in ([], ["ALREADY_EXISTS"])
                self.acknowledged.add(todo_id)

    def client(self) -> httpx.AsyncClient:
        """Somebody signed in."""
        return httpx.AsyncClient(headers={"Authorization": f"Bearer {self.token}"}, timeout=30)

    async def send(self, http: httpx.AsyncClient, todo_id: UUID) -> list[str] | None:
        """The codes of what is wrong with a todo, none if it was made; None without an answer."""
        todo = {"id": str(todo_id), "title": "Written", "tags": self.sent[todo_id]}
        try:
            answer = await http.post(
                self.address, json={"query": CREATE, "variables": {"input": todo}}
            )
        except httpx.TransportError:
            return None
        payload = (answer.json()["data"] or {}).get("todoCreate")
        return [error["code"] for error in payload["errors"]] if payload else None


async def assert_kept(data_dir: Path, writers: Writers) -> None:
    """Every acknowledged todo is stored with its change, and all that is stored agrees."""
    url = running_url(data_dir)
    assert url
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(STORED)
    [counted] = await connection.fetch(COUNTED)
    counts = await connection.fetch("SELECT name, todo_count FROM tags")
    tags = {row["name"]: row["todo_count"] for row in counts}
    await connection.close()
    stored = {row["id"]: row["tags"] for row in rows}
    assert writers.acknowledged <= stored.keys() <= writers.sent.keys()
    assert stored == {todo_id: writers.sent[todo_id] for todo_id in stored}
    assert [row["seq"] for row in rows] == list(range(1, len(stored) + 1))
    assert {(row["action"], row["version"]) for row in rows} <= {(Action.CREATED, 1)}
    assert tuple(counted) == (len(stored), len(stored), 0)
    assert tags == Counter(name for names in stored.values() for name in names)


def kill_server(server: Server, _data_dir: Path) -> None:
    """End the server alone; PostgreSQL runs on."""
    server.process.kill()


def kill_postgres_too(server: Server, data_dir: Path) -> None:
    """End PostgreSQL's leading process and the server, as a lack of memory may."""
    pid = int((data_dir / "postgres/postmaster.pid").read_text().split()[0])
    assert pid in {process.pid for process in postgres_of(data_dir)}
    psutil.Process(pid).kill()
    server.process.kill()


def registered(server: Server) -> str:
    """The access token of a new account."""
    given = {"username": "writer", "email": "writer@example.com", "password": PASSWORD}
    return str(server.execute(REGISTER, input=given)["register"]["tokens"]["accessToken"])


async def test_acknowledged_todos_outlive_crashes(tmp_path: Path) -> None:
    """Killed in the midst of creates, again and again, it loses nothing and makes nothing twice."""
    data_dir = tmp_path / "data"
    writers: Writers | None = None
    for enough, crash in ((25, kill_server), (60, kill_postgres_too), (110, kill_server)):
        with serving(data_dir) as server:
            if writers is None:
                writers = Writers(registered(server))
            writers.address = server.address
            await assert_kept(data_dir, writers)
            await writers.write_again()
            await assert_kept(data_dir, writers)
            await writers.write(enough, partial(crash, server, data_dir))
    assert writers
    with serving(data_dir) as server:
        await assert_kept(data_dir, writers)
        writers.address = server.address
        await writers.write_again()
        await assert_kept(data_dir, writers)
    assert len(writers.acknowledged) > 25 + 60 + 110
