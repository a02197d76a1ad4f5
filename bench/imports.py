"""An import of 50,000 todos with tags and subtasks, and the requests of others beside it.

One server with its own worker and database; ten people go on reading and writing. Prints how long the import
took, the CPU time and the memory for it, and what the requests took before and meanwhile; keeps it in
bench/results/imports unless it is only a glance, and ends with status 1 where a goal isn't kept.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import uuid4

import httpx
import psutil

from tests.support.processes import Server, postgres_of, serving

NUMBER, QUICK_NUMBER = 50_000, 5_000
PEOPLE, PAUSE_SECONDS = 10, 0.1
QUIET_SECONDS, QUICK_SECONDS = 15.0, 5.0
MAX_SECONDS, MAX_TIMES, MAX_MEGABYTES = 30.0, 2.0, 200.0
PATIENCE_SECONDS = 300.0
RESULTS = Path(__file__).parent / "results" / "imports"
REGISTER = """mutation ($input: RegisterInput!) {
  register(input: $input) { tokens { accessToken } errors { message } }
}"""
CREATE = 'mutation { todoCreate(input: { title: "Measured", tags: ["a"] }) { errors { code } } }'
READ = "{ todos(first: 20) { nodes { id title tags { name } } } }"
ANNOUNCE = """mutation ($input: ImportInput!) {
  importCreate(input: $input) { job { id } upload { url headers { name value } } errors { message } }
}"""
START = "mutation ($id: ID!) { importStart(id: $id) { errors { message } } }"
STATE = "query ($id: ID!) { node(id: $id) { ... on ImportJob { state done counts } } }"


def large_file(number: int) -> bytes:
    """A todo.txt with so many todos in lists of 2,500, four of five below the fifth, with three tags each."""
    chance, lines = random.Random(1), list[str]()  # noqa: S311 - it keeps nothing secret
    for n in range(number):
        tags = " ".join(f"@tag{chance.randrange(200)}" for _ in range(3))
        parent = f" p:{n - n % 5}" if n % 5 else ""
        day = f"2030-0{n % 9 + 1}-11"
        text = f"({'ABC'[n % 3]}) 2026-01-02 Todo number {n} of a large file"
        lines.append(f"{text} +list{n // 2_500} {tags} due:{day} id:{n}{parent}")
    return "\n".join(lines).encode()


@dataclass
class Person:
    """Somebody who is signed in, and how long their requests took, in milliseconds."""

    http: httpx.AsyncClient
    token: str
    times: list[float] = field(default_factory=list)

    @classmethod
    async def registered(cls, http: httpx.AsyncClient) -> "Person":
        """A new account."""
        name = f"user-{uuid4().hex[:12]}"
        fields = {"username": name, "email": f"{name}@example.com", "password": "Battery2staple"}
        data = await cls(http, "").ask(REGISTER, input=fields)
        return cls(http, data["register"]["tokens"]["accessToken"])

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"query": query, "variables": variables}
        answer = (await self.http.post("/graphql", json=body, headers=headers)).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def use(self, until: asyncio.Event) -> None:
        """Read and write until something has happened."""
        while not until.is_set():
            for query in (READ, READ, READ, CREATE):
                begin = time.perf_counter()
                await self.ask(query)
                self.times.append((time.perf_counter() - begin) * 1000)
                await asyncio.sleep(PAUSE_SECONDS)


@dataclass(frozen=True)
class Result:
    """What was measured; the load is that of the machine before it."""

    number: int
    seconds: float
    load: float
    server_cpu: float
    database_cpu: float
    megabytes: float
    quiet: list[float]
    busy: list[float]

    def broken(self) -> Iterator[str]:
        """The goals that weren't kept."""
        if self.seconds > MAX_SECONDS:
            yield f"the import took {self.seconds:.1f} s, not {MAX_SECONDS:.0f}"
        if p99(self.busy) > MAX_TIMES * p99(self.quiet):
            yield f"p99 of {p99(self.busy):.1f} ms beside {p99(self.quiet):.1f} ms before"
        if self.megabytes > MAX_MEGABYTES:
            yield f"it took {self.megabytes:.0f} MB, not {MAX_MEGABYTES:.0f}"

    def lines(self) -> Iterator[str]:
        """The result as Markdown."""
        yield f"{self.number:,} todos with three tags, four of five below another; load before: {self.load:.1f}"
        yield ""
        yield (
            f"Imported in {self.seconds:.1f} s, with {self.server_cpu:.1f} s of CPU time of the server and of"
            f" its reading process, {self.database_cpu:.1f} s of PostgreSQL's, and {self.megabytes:.0f} MB more."
        )
        yield ""
        yield "| | requests | p50, ms | p99, ms |"
        yield "|---|---|---|---|"
        for name, times in (("before", self.quiet), ("meanwhile", self.busy)):
            middle = quantiles(times, n=2)[0]
            yield f"| {name} | {len(times)} | {middle:.1f} | {p99(times):.1f} |"


def p99(times: list[float]) -> float:
    """What 99 of 100 requests take at most, in milliseconds."""
    return quantiles(times, n=100)[-1]


@dataclass
class Use:
    """What processes have used: seconds of CPU time, and the most memory in megabytes."""

    server: psutil.Process
    data_dir: Path

    def server_cpu(self) -> float:
        """Of the server and of its children that have ended."""
        times = self.server.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)

    def database_cpu(self) -> float:
        """Of all processes of PostgreSQL."""
        total = 0.0
        for process in postgres_of(self.data_dir):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
        return total

    def megabytes(self) -> float:
        """What the server and its reading process have now."""
        processes = [self.server, *self.server.children()]
        total = 0
        for process in processes:
            if "postgres" not in process.name():
                total += process.memory_info().rss
        return total / 2**20


async def imported(person: Person, number: int, use: Use) -> tuple[float, float]:
    """The seconds of an import, and the megabytes that it took."""
    content = large_file(number)
    digest = sha256(content).hexdigest()
    announced = {"fileName": "todo.txt", "size": len(content), "sha256": digest}
    payload = (await person.ask(ANNOUNCE, input=announced))["importCreate"]
    headers = {one["name"]: one["value"] for one in payload["upload"]["headers"]}
    path = "/files/" + payload["upload"]["url"].partition("/files/")[2]
    (await person.http.put(path, content=content, headers=headers)).raise_for_status()
    before = highest = use.megabytes()
    begin, id = time.perf_counter(), payload["job"]["id"]
    await person.ask(START, id=id)
    while time.perf_counter() - begin < PATIENCE_SECONDS:
        highest = max(highest, use.megabytes())
        job = (await person.ask(STATE, id=id))["node"]
        if job["state"] not in ("WAITING", "RUNNING"):
            break
        await asyncio.sleep(0.1)
    assert (job["state"], job["counts"]["todos"]) == ("DONE", number), job
    return time.perf_counter() - begin, highest - before


async def measured(server: Server, data_dir: Path, number: int, quiet_seconds: float) -> Result:
    """The requests of ten people before an import and during it."""
    load, use = os.getloadavg()[0], Use(psutil.Process(server.process.pid), data_dir)
    base = server.address.removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=base, timeout=PATIENCE_SECONDS) as http:
        importer = await Person.registered(http)
        people = [await Person.registered(http) for _ in range(PEOPLE)]
        ended = asyncio.Event()
        using = [asyncio.create_task(one.use(ended)) for one in people]
        await asyncio.sleep(quiet_seconds)
        quiet = [one for person in people for one in person.times]
        for person in people:
            person.times.clear()
        cpu = use.server_cpu(), use.database_cpu()
        seconds, megabytes = await imported(importer, number, use)
        busy = [one for person in people for one in person.times]
        spent = use.server_cpu() - cpu[0], use.database_cpu() - cpu[1]
        ended.set()
        await asyncio.gather(*using)
    return Result(number, seconds, load, *spent, megabytes, quiet, busy)


def main() -> None:
    """Measure, print, and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the todos, for a glance")
    is_quick = parser.parse_args().quick
    number, seconds = (QUICK_NUMBER, QUICK_SECONDS) if is_quick else (NUMBER, QUIET_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        settings = {"RATE_LIMIT_REQUESTS": "0", "RATE_LIMIT_COST": "0"}
        settings |= {"RATE_LIMIT_CREDENTIALS_PER_ADDRESS": "0"}
        with serving(data_dir, settings) as server:
            result = asyncio.run(measured(server, data_dir, number, seconds))
    text = "\n".join(result.lines()) + "\n"
    print(text)
    if not is_quick:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.md").write_text(text)
    if broken := list(result.broken()):
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
