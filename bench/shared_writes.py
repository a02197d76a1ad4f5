"""How much dearer writes are that reach members of a list: CPU of the server and PostgreSQL for a change.

`python -m bench.shared_writes [--private] [--data FOLDER]`: the title of a todo in a list, and 100 todos at once, where the list has no
other member, 5 and 100. Writes the table of `bench/results/sharing`, and ends with status 1 where a change costs more than
1.7 and 4 times one in a private list, or reaching 100 members with 100 changes takes PostgreSQL more than 10 ms.
With `--private` only the first is measured, to compare two releases.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
import httpx
import psutil

from bench.data import Owner, fresh_copy, owner
from bench.servers import SERVER, Server, serving
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

RESULTS = Path(__file__).parent / "results" / "sharing"
USERS: Final = 110
# How many members the list of an owner gets, by the number of the owner.
MEMBERS: Final = {0: 0, 1: 5, 2: 100}
MOST_TIMES: Final = {5: 1.7, 100: 4.0}
MOST_BULK_MS: Final = 10.0
ROUNDS, CHANGES, BULKS, WARM_UP = 12, 40, 4, 40
JOIN: Final = """
INSERT INTO list_members (id, owner_id, list_id, user_id, role, position, joined_at)
SELECT gen_random_uuid(), $1, $2, u.id, 1, 'V', now() FROM users u WHERE u.id <> $1 ORDER BY u.id LIMIT $3
"""
COUNT: Final = [
    "UPDATE users SET shared_list_count = 1 WHERE id = $1",
    "UPDATE users SET membership_count = 1 WHERE id IN (SELECT user_id FROM list_members WHERE owner_id = $1 AND user_id <> $1)",
]
CREATE_LIST: Final = 'mutation { listCreate(input: { name: "Shared" }) { list { id } } }'
MOVE: Final = (
    "mutation ($ids: [ID!]!, $id: ID!) { payload: todoBulkMove(ids: $ids, to: { listId: $id }) {"
    " updated errors { code } } }"
)
UPDATE: Final = (
    "mutation ($id: ID!, $title: String!) { payload: todoUpdate(id: $id, input: { title: $title }) {"
    " todo { id title version } errors { code } } }"
)
BULK: Final = (
    "mutation ($ids: [ID!]!, $priority: TodoPriority!) { payload: todoBulkUpdate(ids: $ids,"
    " action: { setPriority: $priority }) { updated errors { code } } }"
)
PRIORITIES: Final = ("LOW", "MEDIUM", "HIGH", "URGENT")


class Cpu(NamedTuple):
    """The CPU time of the server and of PostgreSQL, in milliseconds."""

    server: float
    postgres: float

    @property
    def both(self) -> float:
        """The sum of both."""
        return self.server + self.postgres

    def per(self, before: "Cpu", number: int) -> "Cpu":
        """The time of each of so many operations since before."""
        return Cpu(
            (self.server - before.server) / number, (self.postgres - before.postgres) / number
        )


class Measured(NamedTuple):
    """The least of all rounds, since other work adds to it: of a change, and of a bulk action on 100 todos."""

    members: int
    change: Cpu
    bulk: Cpu


class Writer:
    """The owner of a list with so many members."""

    def __init__(
        self, server: Server, person: Owner, postgres: psutil.Process, members: int
    ) -> None:
        self.server, self.person, self.postgres, self.members = server, person, postgres, members
        self.numbers = count()
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}",
            headers={"Authorization": f"Bearer {person.token}"},
            timeout=60,
        )

    def send(self, query: str, **variables: object) -> Any:
        """The data of a mutation, which has no errors."""
        body = {"query": query, "variables": variables}
        answer = self.http.post("/graphql", json=body).raise_for_status().json()
        assert "errors" not in answer, answer
        return answer["data"]

    def share(self, url: str) -> None:
        """Make a list with 100 todos, and have people join it."""
        list_id = self.send(CREATE_LIST)["listCreate"]["list"]["id"]
        moved = self.send(MOVE, ids=self.person.todo_ids[:100], id=list_id)
        assert moved["payload"]["updated"] == 100, moved
        if self.members:
            asyncio.run(join(url, self.person, list_id, self.members))

    def change(self) -> None:
        """Change a title."""
        number = next(self.numbers)
        id = self.person.todo_ids[number % 100]
        assert self.send(UPDATE, id=id, title=f"Title {number}")["payload"]["errors"] == []

    def change_all(self) -> None:
        """Change 100 todos."""
        number = next(self.numbers)
        ids = self.person.todo_ids[:100]
        changed = self.send(BULK, ids=ids, priority=PRIORITIES[number % 4])["payload"]
        assert changed["updated"] > 0, changed

    def cpu(self) -> Cpu:
        """The CPU time that the server and PostgreSQL have spent so far."""
        backends = sum(_cpu_ms(process.pid) for process in self.postgres.children())
        return Cpu(_cpu_ms(self.server.process.pid), backends)

    def round(self) -> tuple[Cpu, Cpu]:
        """The CPU time of a change, and of 100."""
        start = self.cpu()
        for _ in range(CHANGES):
            self.change()
        middle = self.cpu()
        for _ in range(BULKS):
            self.change_all()
        return middle.per(start, CHANGES), self.cpu().per(middle, BULKS)


def _cpu_ms(pid: int) -> float:
    """The CPU time of a process, all threads of it, finer than the hundredths of a second of psutil."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


async def join(url: str, person: Owner, list_id: str, number: int) -> None:
    """Let so many people be in a list."""
    connection = await asyncpg.connect(url)
    await connection.execute(JOIN, person.id, list_id, number)
    for statement in COUNT:
        await connection.execute(statement, person.id)
    await connection.close()


def measure(writers: list[Writer]) -> list[Measured]:
    """Measure all writers in turn, so that what else the machine does concerns all of them."""
    for writer in writers:
        for _ in range(WARM_UP):
            writer.change()
        for _ in range(10):
            writer.change_all()
    rounds = [[writer.round() for writer in writers] for _ in range(ROUNDS)]
    return [
        Measured(
            writer.members,
            min((one[index][0] for one in rounds), key=lambda cpu: cpu.both),
            min((one[index][1] for one in rounds), key=lambda cpu: cpu.postgres),
        )
        for index, writer in enumerate(writers)
    ]


def broken(measured: list[Measured]) -> Iterator[str]:
    """The goals that weren't kept."""
    private, *shared = measured
    for one in shared:
        times, most = one.change.both / private.change.both, MOST_TIMES[one.members]
        if times > most:
            yield f"a change that {one.members} members get: {times:.2f} times, not {most:g}"
        more = one.bulk.postgres - private.bulk.postgres
        if more > MOST_BULK_MS:
            yield f"100 changes that {one.members} members get: {more:.1f} ms of PostgreSQL more"


def table(measured: list[Measured]) -> str:
    """The results in Markdown."""
    setting = (
        f"`make bench-shared-writes` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load"
        f" average {os.getloadavg()[0]:.1f}. Milliseconds of CPU, the least of {ROUNDS} rounds; goals: a change at"
        " most 1.7 times a private one with 5 members, 4 times with 100, and 100 changes to 100 members at most"
        " 10 ms of PostgreSQL more than to nobody.\n"
    )
    private = measured[0]
    rows = [
        f"| {one.members} | {one.change.server:.2f} | {one.change.postgres:.2f} | {one.change.both:.2f}"
        f" | {one.change.both / private.change.both:.2f} | {one.bulk.postgres:.1f}"
        f" | {one.bulk.postgres - private.bulk.postgres:.1f} |"
        for one in measured
    ]
    lines = [
        "# Writes that members of a list get\n",
        setting,
        "| members | change: server | PostgreSQL | both | times | 100 changes: PostgreSQL | more |",
        "|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


async def _owners(url: str, numbers: list[int]) -> list[Owner]:
    connection = await asyncpg.connect(url)
    owners = [await owner(connection, number) for number in numbers]
    await connection.close()
    return owners


async def run(
    url: str, postgres: psutil.Process, folder: Path, members: dict[int, int]
) -> list[Measured]:
    """Serve a copy of the data, and measure."""
    async with fresh_copy(url, USERS) as database:
        people = await _owners(database, list(members))
        with serving(SERVER, database, folder) as server:
            writers = [
                Writer(server, person, postgres, number)
                for person, number in zip(people, members.values(), strict=True)
            ]
            for writer in writers:
                await asyncio.to_thread(writer.share, database)
            return await asyncio.to_thread(measure, writers)


def main() -> None:
    """Measure everything, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--private", action="store_true", help="nothing is shared or stored")
    parser.add_argument("--data", type=Path, help="a folder that is used again by the next run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        data = arguments.data or folder / "data"
        with EmbeddedPostgres(data) as url:
            postmaster = (data / "postgres/postmaster.pid").read_text().split()[0]
            members = {0: 0} if arguments.private else MEMBERS
            measured = asyncio.run(run(url, psutil.Process(int(postmaster)), folder, members))
    text = table(measured)
    print(text)
    if not arguments.private:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-writes.md").write_text(text)
    problems = list(broken(measured))
    print("\n".join(problems))
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
