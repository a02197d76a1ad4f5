"""How long the event loop stands still at most, whatever a client sends."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from uuid import UUID

import pytest
from starlette.types import ASGIApp

from tests.fuzz.turns_of_loop import LongestTurn, measured_turns
from tests.support.accounts import Account, NewAccount
from tests.support.agents import call
from tests.support.fuzzing import EXAMPLES
from tests.support.subscribers import listening
from tests.support.worst_agents import agent_attempts
from tests.support.worst_requests import (
    Attempt,
    body_attempts,
    head_attempts,
    list_attempts,
    socket_attempts,
    text_attempts,
)
from tests.support.worst_todos import (
    add_histories,
    bulk_action_attempts,
    bulk_create_attempts,
    change_attempts,
    long_todos,
    page_attempts,
    subscription_attempts,
)
from todo_gql.api import scalars
from todo_gql.database import connection as db
from todo_gql.server.garbage_collection import tune_garbage_collector
from todo_gql.settings import Settings

LONGEST_MS = 50.0
# The longest that are of note are tried again, and their shortest time counts, since the garbage
# collector and others in the test's own process work beside them.
OF_NOTE_MS = 10.0
TRIED_AGAIN, TIMES = 8, 2
# So many connections send the same at once: each of so many of a kind that took longest alone, and
# the one whose answer has most objects, since what is short alone adds up.
TOGETHER, TRIED_TOGETHER = 10, 3
# Nothing is ever answered to some of what is sent, and a stream has no end.
QUIET_SECONDS = 0.15
MOST_OF_A_STREAM = 4 * 1024 * 1024
PATIENCE = 20.0
SHOWN = 3
# All texts and lists are tried where there is time for more examples than in each build; else one of
# so many, which are primes so that each kind of them is among them.
THOROUGH = EXAMPLES >= 100
EACH_OF_TEXTS, EACH_OF_LISTS = 31, 41


class Trials:
    """The attempts of one caller, and the longest turn of the loop that each led to."""

    def __init__(self, address: str, longest: LongestTurn) -> None:
        self.address = address
        self.longest = longest
        self.found: dict[Attempt, tuple[float, float]] = {}
        self.objects: dict[Attempt, int] = {}
        self.whose: dict[Attempt, Account] = {}
        self.failed: list[str] = []

    async def run(self, account: Account, attempts: Iterable[Attempt]) -> None:
        """Try all of these, and those again that took longest of their kind."""
        # As in a server, and what the test itself has in memory is left out.
        tune_garbage_collector()
        kinds: dict[str, list[Attempt]] = {}
        for attempt in attempts:
            self.whose[attempt] = account
            await self._try(attempt)
            kinds.setdefault(attempt.kind, []).append(attempt)
        for some in kinds.values():
            of_note = [attempt for attempt in some if self.cpu(attempt) > OF_NOTE_MS]
            for attempt in sorted(of_note, key=self.cpu, reverse=True)[:TRIED_AGAIN]:
                for _ in range(TIMES):
                    await self._try(attempt)

    async def run_together(self, number: int) -> None:
        """Try the worst of each kind, and the largest, on several connections at once."""
        kinds: dict[str, list[Attempt]] = {}
        for attempt in sorted(self.found, key=self.cpu, reverse=True):
            kinds.setdefault(attempt.kind, []).append(attempt)
        for some in kinds.values():
            largest = max(some, key=self.objects.__getitem__)
            for attempt in dict.fromkeys([*some[:TRIED_TOGETHER], largest]):
                await self.run(self.whose[attempt], [attempt.together(number)])

    def cpu(self, attempt: Attempt) -> float:
        """The CPU time of an attempt's longest turn."""
        return self.found[attempt][0]

    async def _try(self, attempt: Attempt) -> None:
        data = attempt.data(self.whose[attempt].token)
        scalars._cached_fragment.cache_clear()
        await asyncio.sleep(0)
        self.longest.restart()
        answer = await asyncio.to_thread(_exchanged, self.address, data, attempt.connections)
        before = self.found.get(attempt, (1e9, 1e9))
        self.objects[attempt] = answer.count(b"{")
        self.found[attempt] = min(before[0], self.longest.cpu), min(before[1], self.longest.wall)
        if b" 500 " in answer.partition(b"\r\n")[0] or b'"INTERNAL"' in answer:
            self.failed.append(attempt.name)

    def report(self) -> str:
        """The longest turns, over all and by kind."""
        lines = []
        for kind in dict.fromkeys(attempt.kind for attempt in self.found):
            some = sorted((a for a in self.found if a.kind == kind), key=self.cpu, reverse=True)
            lines.append(f"  {self.cpu(some[0]):6.1f} ms over {len(some):5,} {kind}")
            lines += [
                f"           {self.cpu(one):6.1f} ms, {self.found[one][1]:.1f} ms by the clock: {one.name}"
                for one in some[:SHOWN]
            ]
        return "\n".join(lines)

    def too_long(self) -> list[str]:
        """The attempts that led to turns longer than may be, with their CPU time."""
        return [
            f"{attempt.kind}: {attempt.name}, {self.cpu(attempt):.1f} ms"
            for attempt in self.found
            if self.cpu(attempt) >= LONGEST_MS
        ]

    def longest_by_kind(self) -> dict[str, float]:
        """The CPU time of the longest turn of each kind."""
        kinds = dict.fromkeys((attempt.kind for attempt in self.found), 0.0)
        for attempt in self.found:
            kinds[attempt.kind] = max(kinds[attempt.kind], self.cpu(attempt))
        return kinds


def _exchanged(address: str, data: bytes, connections: int) -> bytes:
    """Send the same on some connections at once, and read until all of it is answered."""
    host, _, port = address.partition(":")
    opened = [socket.create_connection((host, int(port))) for _ in range(connections)]
    for one in opened:
        _send(one, data)
    answers = [_answer(one) for one in opened]
    for one in opened:
        one.close()
    return answers[-1]


def _send(connection: socket.socket, data: bytes) -> None:
    connection.settimeout(PATIENCE)
    # Who is refused may be cut off while they send.
    with suppress(OSError):
        connection.sendall(data)


def _answer(connection: socket.socket) -> bytes:
    parts, size, began = list[bytes](), 0, time.monotonic()
    with suppress(OSError):
        while time.monotonic() - began < PATIENCE:
            is_endless = parts and (b" 101 " in parts[0][:20] or b"event-stream" in parts[0])
            connection.settimeout(QUIET_SECONDS if is_endless else PATIENCE)
            part = connection.recv(2**18)
            parts.append(part)
            size += len(part)
            if not part or (is_endless and size > MOST_OF_A_STREAM):
                break
    return b"".join(parts)


@pytest.fixture
async def anybody(new_account: NewAccount) -> Account:
    """Somebody who may use whatever there is in the schema."""
    account = await new_account()
    await db.fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    return account


@pytest.fixture(scope="module")
def longest_by_kind(request: pytest.FixtureRequest) -> Iterator[dict[str, float]]:
    """The longest turns of the tests that ran, of which the longest is printed in the end."""
    found: dict[str, float] = {}
    yield found
    if found:
        _print(request, f"longest stall of the event loop: {max(found.values()):.1f} ms")


@pytest.fixture
async def trials(
    app: ASGIApp,
    settings: Settings,
    request: pytest.FixtureRequest,
    longest_by_kind: dict[str, float],
) -> AsyncIterator[Trials]:
    """What a test tries on a server; the figures are printed, and the longest turn is checked."""
    async with listening(app, settings) as address:
        with measured_turns() as longest:
            trials = Trials(address, longest)
            yield trials
            await trials.run_together(TOGETHER)
    _print(request, f"{trials.report()}\n  longest full collection: {longest.collection:.1f} ms")
    longest_by_kind |= trials.longest_by_kind()
    assert trials.failed == []
    assert trials.too_long() == []


def _print(request: pytest.FixtureRequest, text: str) -> None:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stdout.write(f"\n{text}\n")
        sys.stdout.flush()


async def test_heads(trials: Trials, anybody: Account) -> None:
    """The loop stands still for no head of a request, however long, and no target."""
    await trials.run(anybody, head_attempts())


async def test_bodies(trials: Trials, anybody: Account) -> None:
    """The loop stands still for no body, whatever JSON it is."""
    await trials.run(anybody, body_attempts())


async def test_agents(trials: Trials, new_account: NewAccount) -> None:
    """The loop stands still for no message of an agent, whatever it holds, and for no answer."""
    owner = await new_account()
    await long_todos(owner)
    # The SDK is loaded with the first message.
    assert not (await call(owner, "get_stats"))["isError"]
    await trials.run(owner, agent_attempts())


async def test_sockets(trials: Trials, anybody: Account) -> None:
    """The loop stands still for no messages on a WebSocket, however many or long."""
    await trials.run(anybody, socket_attempts())


async def test_texts(trials: Trials, anybody: Account) -> None:
    """The loop stands still for no text in any scalar of any argument."""
    texts = list(text_attempts(all_sizes=THOROUGH))
    await trials.run(anybody, texts if THOROUGH else texts[::EACH_OF_TEXTS])


async def test_lists(trials: Trials, anybody: Account) -> None:
    """The loop stands still for no list in any argument, as a variable or in the document."""
    lists = list(list_attempts())
    await trials.run(anybody, lists if THOROUGH else lists[::EACH_OF_LISTS])


async def test_bulks(trials: Trials, new_account: NewAccount) -> None:
    """The loop stands still for no hundred todos that are created at once."""
    await trials.run(await new_account(), bulk_create_attempts())


async def test_todos(trials: Trials, new_account: NewAccount) -> None:
    """The loop stands still for nothing that is asked of, or done with, a hundred long todos."""
    owner = await new_account()
    cursor = (await owner.data("{ changeCursor }"))["changeCursor"]
    ids = await long_todos(owner)
    latest = (await owner.data("{ changes(first: 100) { nodes { id } } }"))["changes"]
    await trials.run(owner, subscription_attempts(cursor))
    await trials.run(owner, change_attempts([node["id"] for node in latest["nodes"]]))
    await trials.run(owner, bulk_action_attempts(ids))
    await add_histories(owner)
    await trials.run(owner, page_attempts(ids))
