"""What one attacker leaves to others: ten ordinary users, first alone and then beside each attack.

Prints what was measured, keeps it in bench/results/fairness unless it is only a glance, and ends
with status 1 where a goal isn't kept.

The short form tries each attack together with its variant for a few seconds. On a machine that is
shared a delay may be the machine's: only answers of 503, failures and memory count at once, and
times over 250 ms once a second try has them, too. How late a process that only sleeps wakes up is
shown beside them.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg

from bench.attacker import run
from bench.attacks import ATTACKS, VARIANTS, Target
from bench.data import USERS, Owner, fresh_copy, owner
from bench.operations import BY_NAME
from bench.servers import SERVER, Server, serving
from bench.subscribers import subscribed
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

PEOPLE = 10
# Five requests a second each keep within what one user may ask for in a minute.
PAUSE_SECONDS = 0.2
MIX = ("O2", "O3", "O5", "O6")
HEALTH_SECONDS = 0.05
WARM_UP_SECONDS = 2.0
SECONDS, QUICK_SECONDS, SHORT_SECONDS = 20.0, 5.0, 3.0
SLEEP_SECONDS = 0.01
LONGEST_MS, MOST_TIMES = 250.0, 3.0
# On a machine that is shared the quiet run may be so quick that three times of it is nothing.
LEAST_MS = 25.0
BACK_SECONDS, BACK_FACTOR, BACK_BYTES = 15.0, 1.25, 32 * 2**20
RESULTS = Path(__file__).parent / "results" / "fairness"
DEFAULT_LIMITS = {"RATE_LIMIT_REQUESTS": "1000", "RATE_LIMIT_COST": "50000"}
CHANGES = "subscription { changes { ... on Change { todoId } } }"


@dataclass
class Seen:
    """What ordinary users saw, in milliseconds, and what became of the server's memory, in bytes.

    `asleep` is how much longer than asked a sleep of the users' own process took at most, and
    `attacker_status` the exit status of the attacker's process.
    """

    times: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    refused: int = 0
    failed: int = 0
    events: int = 0
    before: int = 0
    peak: int = 0
    after: int = 0
    asleep: float = 0.0
    attacker_status: int = 0

    @property
    def p50(self) -> float:
        """What half of the answers took at most."""
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        """What all but one in a hundred answers took at most."""
        return statistics.quantiles(self.times, n=100)[98]

    def broken(self, quiet: "Seen | None") -> Iterator[str]:
        """The goals that weren't kept; without a quiet run to compare with, those in milliseconds."""
        yield from self.slow(quiet)
        if self.refused or self.failed:
            yield f"{self.refused} answers with 503, {self.failed} other failures"
        if self.attacker_status:
            yield f"the attack itself failed, with status {self.attacker_status}"
        if self.after > self.before * BACK_FACTOR + BACK_BYTES:
            yield f"memory stays at {self.after / 2**20:.0f} MiB"

    def slow(self, quiet: "Seen | None" = None) -> Iterator[str]:
        """Those of the goals that weren't kept that are times."""
        times = MOST_TIMES * quiet.p99 if quiet else LONGEST_MS
        allowed = min(LONGEST_MS, max(LEAST_MS, times))
        if self.p99 > allowed:
            yield f"p99 of {self.p99:.0f} ms, more than {allowed:.0f}"
        if max(self.health) > LONGEST_MS:
            yield f"/health/live took {max(self.health):.0f} ms"


class Person:
    """An ordinary user on one connection, who asks a little more than people do."""

    def __init__(self, server: Server, owner: Owner, seen: Seen) -> None:
        self.server = server
        self.owner = owner
        self.seen = seen

    async def use(self, seconds: float) -> None:
        """Send the mix until the time is over; an answer that fails is counted, and asked no more."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        requests = [BY_NAME[name].requests(self.owner) for name in MIX]
        until = time.monotonic() + seconds
        for sent in itertools.cycle(requests):
            if time.monotonic() >= until:
                break
            begun = time.perf_counter()
            writer.write(next(sent))
            status, body = await answered(reader)
            self.seen.times.append((time.perf_counter() - begun) * 1000)
            self.seen.refused += status == 503
            self.seen.failed += status != 503 and (status != 200 or b'"errors":[{' in body)
            await asyncio.sleep(PAUSE_SECONDS)
        writer.close()


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The status and body of an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


async def watch(server: Server, seen: Seen) -> None:
    """Ask whether the server lives, and how much memory it has, until this is cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        while True:
            begun = time.perf_counter()
            writer.write(b"GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            await answered(reader)
            seen.health.append((time.perf_counter() - begun) * 1000)
            seen.peak = max(seen.peak, server.resident_bytes())
            await asyncio.sleep(HEALTH_SECONDS)
    finally:
        writer.close()


async def sleep(seen: Seen) -> None:
    """Measure how late this process wakes up, until this is cancelled."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(SLEEP_SECONDS)
        late = time.perf_counter() - begun - SLEEP_SECONDS
        seen.asleep = max(seen.asleep, late * 1000)


async def observe(
    server: Server, people: list[Owner], attacker: Owner, titles: list[str], seconds: float
) -> Seen:
    """What the people see while somebody attacks the server in these ways, or in none."""
    warm = Seen()
    await asyncio.gather(
        *(Person(server, one, warm).use(min(WARM_UP_SECONDS, seconds / 4)) for one in people)
    )
    seen = Seen(before=server.resident_bytes())

    def note(*_: object) -> None:
        seen.events += 1

    host = f"127.0.0.1:{server.port}"
    sockets = [await subscribed(host, one.token, CHANGES, note) for one in people]
    watching = [asyncio.create_task(each(seen)) for each in (partial(watch, server), sleep)]
    process = None
    if titles:
        target = Target(server.port, attacker.token, seconds + 1)
        process = multiprocessing.get_context("spawn").Process(target=run, args=(titles, target))
        process.start()
        await asyncio.sleep(1)
    await asyncio.gather(*(Person(server, one, seen).use(seconds) for one in people))
    if process:
        await asyncio.to_thread(process.join, 10)
        # One that goes on attacking has no status yet.
        seen.attacker_status = process.exitcode or 0
        process.kill()
    until = time.monotonic() + (BACK_SECONDS if titles else 0)
    seen.after = server.resident_bytes()
    while seen.after > seen.before * BACK_FACTOR + BACK_BYTES and time.monotonic() < until:
        await asyncio.sleep(0.5)
        seen.after = server.resident_bytes()
    for task in watching:
        task.cancel()
    for one in sockets:
        one.transport.close()
    return seen


async def measure(titles: list[str], *, quick: bool) -> list[str]:
    """The lines of the table, and in the end what wasn't kept; a server of its own for each run.

    In a glance one answer in a hundred is two or three, so that nothing is compared with them.
    """
    seconds = QUICK_SECONDS if quick else SECONDS
    lines, broken = [HEAD], list[str]()
    print(HEAD, flush=True)
    quiet: Seen | None = None
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "data"), durable=False) as url,
    ):
        for title in [None, *titles]:
            async with fresh_copy(url) as copy:
                connection = await asyncpg.connect(copy)
                people = [await owner(connection, number) for number in range(PEOPLE)]
                attacker = await owner(connection, USERS)
                await connection.close()
                with serving(SERVER, copy, Path(folder), DEFAULT_LIMITS) as server:
                    seen = await observe(
                        server, people, attacker, [title] if title else [], seconds
                    )
            quiet = quiet or seen
            failures = list(seen.broken(None if quick else quiet)) if title else []
            lines.append(line(title or "nobody", seen, failures))
            print(lines[-1], flush=True)
            broken += [f"{title}: {failure}" for failure in failures]
    return [*lines, "", *(broken or ["All goals are kept."])]


async def measure_shortly(titles: list[str]) -> list[str]:
    """The same for each attack with its variant at the same time; a server of its own for each."""
    lines, broken = [HEAD], list[str]()
    print(HEAD, flush=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "data"), durable=False) as url,
    ):
        async with fresh_copy(url, PEOPLE) as copy:
            connection = await asyncpg.connect(copy)
            people = [await owner(connection, number) for number in range(PEOPLE)]
            attacker = await owner(connection, PEOPLE)
            await connection.close()
            for title in titles:
                together = [title, VARIANTS[title]]
                for is_last in (False, True):
                    with serving(SERVER, copy, Path(folder), DEFAULT_LIMITS) as server:
                        seen = await observe(server, people, attacker, together, SHORT_SECONDS)
                    failures = list(seen.broken(None))
                    lines.append(line(" and ".join(together), seen, failures))
                    print(lines[-1], flush=True)
                    if is_last or failures != list(seen.slow()) or not failures:
                        broken += [f"{title}: {failure}" for failure in failures]
                        break
    return [*lines, "", *(broken or ["All goals are kept."])]


HEAD = """\
| beside whom | answers | p50, ms | p99, ms | 503 | failed | longest /health/live, ms | longest sleep, ms | memory before, peak, after, MiB | kept |
|---|---|---|---|---|---|---|---|---|---|"""


def line(title: str, seen: Seen, failures: list[str]) -> str:
    """A line of the table."""
    memory = ", ".join(f"{size / 2**20:.0f}" for size in (seen.before, seen.peak, seen.after))
    return (
        f"| {title} | {len(seen.times)} | {seen.p50:.1f} | {seen.p99:.1f} | {seen.refused} |"
        f" {seen.failed} | {max(seen.health):.1f} | {seen.asleep:.1f} | {memory} | {'no' if failures else 'yes'} |"
    )


def main() -> None:
    """Measure the attacks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shortly, and keep nothing")
    parser.add_argument("--attack", action="append", choices=list(ATTACKS), help="only this one")
    parser.add_argument("--short", action="store_true", help="as a test, each with its variant")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    titles = given.attack or list(VARIANTS if given.short else ATTACKS)
    if given.short:
        lines = asyncio.run(measure_shortly([title for title in titles if title in VARIANTS]))
    else:
        lines = asyncio.run(measure(titles, quick=given.quick))
    print("\n".join(lines[lines.index("") :]))
    if not given.quick and not given.short and not given.attack:
        RESULTS.mkdir(parents=True, exist_ok=True)
        head = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load before {load:.1f}"
        path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.md"
        path.write_text("\n".join([head, "", *lines, ""]), encoding="utf-8")
    sys.exit(0 if lines[-1] == "All goals are kept." else 1)


if __name__ == "__main__":
    main()
