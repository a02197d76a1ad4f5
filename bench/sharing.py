"""How much dearer reads are for who is in lists of others: CPU of the server and PostgreSQL for a request.

`python -m bench.sharing [--quick]`: a person with 100,000 todos of their own, who is in no list of others, in
5 and in 20, each with 1,000 todos, and each of another owner, who has 4,000 beside it. Writes the table of `bench/results/sharing`, and
ends with status 1 where a first page costs more than 3 and 8 times what it costs who is alone.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
import httpx
import psutil

from bench.data import Owner, fresh_copy, owner, owner_id, settings
from bench.servers import SERVER, Server, serving
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.features.todos.recount import recount

RESULTS = Path(__file__).parent / "results" / "sharing"
LISTS = 20
SIZES: Final = (0, 5, 20)
MOST_TIMES: Final = {5: 3.0, 20: 8.0}
ROUNDS, QUICK_ROUNDS, REQUESTS, WARM_UP = 4, 1, 15, 15
# Until the server has read anew whether the person is in lists of others.
SETTLE_SECONDS = 4.0
FILL: Final = [
    """
    INSERT INTO lists (id, owner_id, name, position, version, created_at, updated_at)
    SELECT gen_random_uuid(), o.id, 'Shared', 'a0', 1, now(), now() FROM unnest($1::uuid[]) AS o (id)
    """,
    r"""
    INSERT INTO todos (id, owner_id, list_id, title, search_text, status, priority, due_at, completed_at,
        metadata, version, created_at, updated_at, position)
    SELECT gen_random_uuid(), l.owner_id, CASE WHEN n % 5 = 0 THEN l.id END, title, lower(title) || E'\x1e', n % 4, n / 7 % 4,
        CASE WHEN n % 3 > 0 THEN now() + make_interval(hours => n % 4000 - 400, secs => n) END,
        CASE WHEN n % 4 = 2 THEN now() END, '{}', 1,
        now() - make_interval(secs => n * 60), now(), position_key(1000000 + n)
    FROM lists l, generate_series(1, 5000) AS n, LATERAL (SELECT 'Shared ' || n AS title)
    """,
    """
    INSERT INTO todo_tags (owner_id, todo_id, tag_id)
    SELECT t.owner_id, t.id, g.id FROM todos t CROSS JOIN LATERAL (
        SELECT g.id FROM tags g WHERE g.owner_id = t.owner_id ORDER BY g.id LIMIT 2
    ) g WHERE t.list_id IS NOT NULL
    """,
]
JOIN: Final = """
INSERT INTO list_members (id, owner_id, list_id, user_id, role, position, joined_at)
SELECT gen_random_uuid(), l.owner_id, l.id, $1, 1, position_key(row_number() OVER ()), now()
FROM (SELECT * FROM lists ORDER BY id LIMIT $2) l ON CONFLICT DO NOTHING
"""
LEAVE: Final = "DELETE FROM list_members WHERE user_id = $1 AND owner_id <> $1"
COUNT: Final = "UPDATE users SET membership_count = $2 WHERE id = $1"
PAGE: Final = "nodes { id title status priority dueAt version tags { name } } pageInfo { hasNextPage endCursor }"


class Operation(NamedTuple):
    """What is sent; there is a limit to what a first page of todos costs."""

    name: str
    query: str
    is_page: bool = True

    @classmethod
    def page(cls, name: str, sort: str | None = None, wanted: str | None = None) -> "Operation":
        """20 todos, by one field or newest first, that a filter matches."""
        by = f", sort: [{{ field: {sort} }}]" if sort else ""
        only = f", filter: {{ {wanted} }}" if wanted else ""
        return cls(name, f"{{ todos(first: 20{by}{only}) {{ {PAGE} }} }}")


ORDERS: Final = (
    *("DUE_AT", "DUE", "PRIORITY", "STATUS", "UPDATED_AT", "COMPLETED_AT", "START", "TITLE"),
    "POSITION",
)
OPERATIONS: Final = (
    Operation.page("20 newest"),
    Operation("20 newest and their number", f"{{ todos(first: 20) {{ totalCount {PAGE} }} }}"),
    *(Operation.page(f"20 by {order}", order) for order in ORDERS),
    Operation.page("20 newest that are PENDING", None, "status: { eq: PENDING }"),
    Operation.page("20 newest that are URGENT", None, "priority: { eq: URGENT }"),
    Operation.page("20 newest with a tag", None, 'tags: { some: ["tag 3"] }'),
    Operation.page("20 newest of TODAY", None, "due: { in: [TODAY] }"),
    Operation.page("20 open by DUE_AT", "DUE_AT", "status: { in: [PENDING, IN_PROGRESS] }"),
    Operation.page("20 overdue by DUE_AT", "DUE_AT", "isOverdue: true"),
    Operation.page("20 of TODAY by DUE_AT", "DUE_AT", "due: { in: [TODAY] }"),
    Operation.page("20 OVERDUE or of TODAY by DUE", "DUE", "due: { in: [OVERDUE, TODAY] }"),
    Operation("lists", "{ lists { nodes { id name stats { total } } } }", is_page=False),
    Operation("stats", "{ stats { total pending completed } }", is_page=False),
    Operation("tags", "{ tags { nodes { name todoCount } } }", is_page=False),
)


class Measured(NamedTuple):
    """The CPU time of a request, in milliseconds: the least of all rounds, since other work adds to it."""

    operation: Operation
    lists: int
    cpu_ms: float


class Client:
    """One connection of the person's."""

    def __init__(self, server: Server, person: Owner, postgres: psutil.Process) -> None:
        self.server = server
        self.postgres = postgres
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}",
            headers={"Authorization": f"Bearer {person.token}"},
            timeout=60,
        )

    def send(self, operation: Operation, number: int) -> None:
        """Send an operation so often."""
        for _ in range(number):
            answer = self.http.post("/graphql", json={"query": operation.query})
            assert "errors" not in answer.raise_for_status().json(), answer.text

    def cpu_ms(self, operation: Operation) -> float:
        """The CPU time of one request of a round.

        A process of PostgreSQL that ends takes what it spent along, so such a round is sent again.
        """
        while True:
            before = self._cpu_seconds()
            self.send(operation, REQUESTS)
            after = self._cpu_seconds()
            if before.keys() <= after.keys():
                return (sum(after.values()) - sum(before.values())) / REQUESTS * 1000

    def _cpu_seconds(self) -> dict[int, float]:
        """The CPU time of each process."""
        seconds = {}
        for process in (self.server.process, *self.postgres.children()):
            with suppress(FileNotFoundError, ProcessLookupError):
                seconds[process.pid] = _cpu_seconds(process.pid)
        return seconds


def _cpu_seconds(pid: int) -> float:
    """The CPU time of a process, all threads of it, finer than the hundredths of a second of psutil."""
    tasks = [*Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def fill(url: str) -> None:
    """Make the lists of others, with their todos and counts."""
    connection = await asyncpg.connect(url)
    await connection.execute(FILL[0], [owner_id(number) for number in range(LISTS)])
    for statement in FILL[1:]:
        await connection.execute(statement)
    await connect(url, settings())
    for number in range(LISTS):
        await recount(owner_id(number))
    await disconnect()
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def join(url: str, person: Owner, number: int) -> None:
    """Let the person be in so many lists of others."""
    connection = await asyncpg.connect(url)
    await connection.execute(LEAVE, person.id)
    await connection.execute(JOIN, person.id, number)
    await connection.execute(COUNT, person.id, number)
    await connection.close()


async def measure(client: Client, url: str, person: Owner, rounds: int) -> list[Measured]:
    """Measure all operations in no list of others, in more and more, and in fewer again."""
    least: dict[tuple[Operation, int], float] = {}
    for lists in (*SIZES, *reversed(SIZES)):
        await join(url, person, lists)
        await asyncio.sleep(SETTLE_SECONDS)
        for operation in OPERATIONS:
            client.send(operation, WARM_UP)
            cpu_ms = min(client.cpu_ms(operation) for _ in range(rounds))
            least[operation, lists] = min(cpu_ms, least.get((operation, lists), cpu_ms))
    return [Measured(operation, lists, cpu_ms) for (operation, lists), cpu_ms in least.items()]


def broken(measured: list[Measured]) -> Iterator[str]:
    """The goals that weren't kept."""
    alone = {one.operation: one.cpu_ms for one in measured if not one.lists}
    for one in measured:
        times, most = one.cpu_ms / alone[one.operation], MOST_TIMES.get(one.lists)
        if one.operation.is_page and most and times > most:
            yield f"{one.operation.name} with {one.lists} lists: {times:.1f} times, not {most:g}"


def table(measured: list[Measured]) -> str:
    """The results in Markdown."""
    setting = (
        f"`make bench-sharing` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load average"
        f" {os.getloadavg()[0]:.1f}: 100,000 own todos, 1,000 in each list of others, who have 4,000 more each. Milliseconds of CPU of the"
        f" server and PostgreSQL for a request, the least of several rounds of {REQUESTS}; goals for first"
        " pages: 3 times with 5 lists, 8 times with 20.\n"
    )
    lines = [
        "# Reads of who is in lists of others\n",
        setting,
        "| operation | alone | 5 lists | times | 20 lists | times |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for operation in OPERATIONS:
        alone, few, many = (one.cpu_ms for one in measured if one.operation is operation)
        lines.append(
            f"| {operation.name} | {alone:.2f} | {few:.2f} | {few / alone:.1f} | {many:.2f}"
            f" | {many / alone:.1f} |"
        )
    return "\n".join(lines) + "\n"


async def run(url: str, postgres: psutil.Process, folder: Path, rounds: int) -> list[Measured]:
    """Fill a copy of the data, serve it, and measure."""
    async with fresh_copy(url, LISTS) as database:
        await fill(database)
        connection = await asyncpg.connect(database)
        person = await owner(connection, LISTS)
        await connection.close()
        with serving(SERVER, database, folder) as server:
            return await measure(Client(server, person, postgres), database, person, rounds)


def main() -> None:
    """Measure everything, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a glance that isn't stored")
    parser.add_argument("--data", type=Path, help="a folder that is used again by the next run")
    arguments = parser.parse_args()
    quick = arguments.quick
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        data = arguments.data or folder / "data"
        with EmbeddedPostgres(data) as url:
            postmaster = (data / "postgres/postmaster.pid").read_text().split()[0]
            postgres = psutil.Process(int(postmaster))
            measured = asyncio.run(run(url, postgres, folder, QUICK_ROUNDS if quick else ROUNDS))
    text = table(measured)
    print(text)
    if not quick:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.md").write_text(text)
    problems = list(broken(measured))
    print("\n".join(problems))
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
