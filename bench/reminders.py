"""A hundred thousand reminders that are due within one minute, on one worker, and the requests beside them.

Each of 1,000 users has one of 100 todos; ten of them go on asking. Prints when all reminders are in the
inboxes and what the requests took, before and meanwhile, keeps it in bench/results/reminders unless it is
only a glance, and ends with status 1 where a goal isn't kept.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from bench.data import SECRET_KEY, USERS, Owner, fresh_copy, owner
from bench.fairness import PEOPLE, Person, Seen, watch
from bench.servers import ROOT, SERVER, Server, serving
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

NUMBER, QUICK_NUMBER = 100_000, 10_000
DUE_SECONDS = 60.0
QUIET_SECONDS, QUICK_SECONDS = 60.0, 10.0
WARM_UP_SECONDS = 5.0
# How long the reminders are stored before the first is due.
AHEAD_SECONDS = 10.0
MOST_SECONDS, MOST_TIMES = 180.0, 2.0
PATIENCE_SECONDS = 900.0
RESULTS = Path(__file__).parent / "results" / "reminders"
# In the order of the users' todos, so that each moment has those of all users.
INSERT = """
INSERT INTO reminders (id, owner_id, todo_id, person_id, at, fires_at, created_at)
SELECT gen_random_uuid(), owner_id, id, owner_id, at, at, now() FROM (
    SELECT owner_id, id, $2::timestamptz + make_interval(secs => $3::float8 * number / $1) AS at
    FROM (
        SELECT owner_id, id, row_number() OVER (ORDER BY place, owner_id) AS number FROM (
            SELECT owner_id, id, row_number() OVER (PARTITION BY owner_id ORDER BY id) AS place
            FROM todos WHERE status < 2 AND deleted_at IS NULL AND owner_id <> $4
        ) placed
    ) numbered WHERE number <= $1
) r
"""
IS_WAITING = "SELECT EXISTS (SELECT FROM reminders WHERE fires_at IS NOT NULL)"
ENTERED = "SELECT count(DISTINCT source) FROM notifications WHERE kind = 4"
UNREAD = "SELECT sum(unread_count) FROM inboxes"
LATENESS = """
SELECT percentile_disc(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY late) FROM (
    SELECT extract(epoch FROM n.created_at - r.fired_at)::float AS late
    FROM notifications n JOIN reminders r ON r.id = split_part(n.source, ' ', 1)::uuid WHERE n.kind = 4
) entered
"""


@dataclass(frozen=True)
class Result:
    """What was measured: seconds from the first reminder's moment to the last entry, and times of requests."""

    number: int
    seconds: float
    lateness: tuple[float, float, float]
    quiet: Seen
    busy: Seen

    def broken(self) -> Iterator[str]:
        """The goals that weren't kept."""
        if self.seconds > MOST_SECONDS:
            yield f"all were entered after {self.seconds:.0f} s, not {MOST_SECONDS:.0f}"
        if self.busy.p99 > MOST_TIMES * self.quiet.p99:
            yield f"p99 of {self.busy.p99:.1f} ms beside {self.quiet.p99:.1f} ms before"
        if failures := self.busy.refused + self.busy.failed:
            yield f"{failures} requests failed"

    def lines(self) -> Iterator[str]:
        """The result as Markdown."""
        yield f"{self.number:,} reminders due within {DUE_SECONDS:.0f} s, one worker, one server"
        yield ""
        yield (
            f"All in the inboxes {self.seconds:.0f} s after the first was due; late by"
            f" {self.lateness[0]:.1f} s (half of them), {self.lateness[1]:.1f} s (99 in 100),"
            f" {self.lateness[2]:.1f} s (all)."
        )
        yield ""
        yield "| | requests | p50, ms | p99, ms | 503 | failed | longest /health/live, ms |"
        yield "|---|---|---|---|---|---|---|"
        for name, seen in (("before", self.quiet), ("meanwhile", self.busy)):
            yield (
                f"| {name} | {len(seen.times)} | {seen.p50:.1f} | {seen.p99:.1f} | {seen.refused}"
                f" | {seen.failed} | {max(seen.health):.1f} |"
            )


@contextmanager
def working(database_url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on the database, which logs into a folder."""
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET_KEY,
        "DATA_DIR": str(folder / "worker"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "todo_gql", "worker"]
    with (
        (folder / "worker.log").open("wb") as log,
        subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


@asynccontextmanager
async def watched(server: Server, seen: Seen) -> AsyncIterator[None]:
    """Ask whether the server lives for the length of a block."""
    watching = asyncio.create_task(watch(server, seen))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def use(server: Server, people: list[Owner], seconds: float) -> Seen:
    """What ten people see for so many seconds."""
    seen = Seen()
    async with watched(server, seen):
        await asyncio.gather(*(Person(server, one, seen).use(seconds) for one in people))
    return seen


async def until_all_fired(connection: asyncpg.Connection, first: float) -> float:
    """Wait until no reminder waits any more; the seconds since the first was due."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if not await connection.fetchval(IS_WAITING):
                return time.monotonic() - first
            await asyncio.sleep(0.5)


async def measure(server: Server, url: str, number: int, quiet_seconds: float) -> Result:
    """Store reminders that are due within a minute, and measure until the last has fired."""
    connection = await asyncpg.connect(url)
    try:
        people = [await owner(connection, number) for number in range(PEOPLE)]
        many = await owner(connection, USERS)
        await use(server, people, WARM_UP_SECONDS)
        quiet = await use(server, people, quiet_seconds)
        start = await connection.fetchval("SELECT now() + make_interval(secs => $1)", AHEAD_SECONDS)
        stored = time.monotonic()
        await connection.execute(INSERT, number, start, DUE_SECONDS, many.id)
        await connection.execute("ANALYZE reminders")
        await asyncio.sleep(max(0.0, stored + AHEAD_SECONDS - time.monotonic()))
        first = stored + AHEAD_SECONDS
        waiting = asyncio.create_task(until_all_fired(connection, first))
        busy = Seen()
        async with watched(server, busy):
            while not waiting.done():
                await asyncio.gather(*(Person(server, one, busy).use(2.0) for one in people))
        seconds = await waiting
        entered = await connection.fetchval(ENTERED), await connection.fetchval(UNREAD)
        if entered != (number, number):
            raise AssertionError(f"{number} reminders fired, and these were entered: {entered}")
        return Result(number, seconds, await connection.fetchval(LATENESS), quiet, busy)
    finally:
        await connection.close()


async def run(*, quick: bool) -> Result:
    """Measure on a fresh copy of the data."""
    data = Path(__file__).parent / ".data"
    number, seconds = (QUICK_NUMBER, QUICK_SECONDS) if quick else (NUMBER, QUIET_SECONDS)
    with EmbeddedPostgres(data) as server_url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with fresh_copy(server_url) as url:
            with serving(SERVER, url, folder) as server, working(url, folder):
                return await measure(server, url, number, seconds)


def main() -> int:
    """Print what was measured; the number of goals that weren't kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the reminders, not kept")
    quick: bool = parser.parse_args().quick
    begun, load = datetime.now(UTC), os.getloadavg()[0]
    result = asyncio.run(run(quick=quick))
    head = f"{begun:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load before {load:.1f}"
    text = "\n".join([head, "", *result.lines(), ""])
    print(text)
    if not quick:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{begun:%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    broken = list(result.broken())
    for line in broken:
        print(f"not kept: {line}")
    return len(broken)


if __name__ == "__main__":
    sys.exit(main())
