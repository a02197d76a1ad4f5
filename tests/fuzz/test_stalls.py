"""How long the event loop stands still at most, whatever text stands wherever in the schema."""

import asyncio
import json
import sys
import time
from contextlib import suppress
from uuid import UUID

import pytest

from tests.conftest import Account
from tests.worst_texts import SIZES, Place, places, request, texts
from todo_gql.database.connection import fetch

SAMPLE_SECONDS = 0.001
OF_NOTE = 10
TRIED_AGAIN, TIMES = 200, 2


class Stalls:
    """The longest times between two turns of the event loop, in milliseconds, and what went on."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self.doing = ""

    async def watch(self) -> None:
        """Look at the clock at every turn of the loop, until this is cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(SAMPLE_SECONDS)
            stall = (time.perf_counter() - began - SAMPLE_SECONDS) * 1000
            self.found[self.doing] = max(self.found.get(self.doing, 0.0), stall)


async def stall_of(stalls: Stalls, account: Account, place: Place, name: str, text: str) -> float:
    """How long the loop stood still at most while a request was answered."""
    stalls.doing = ""
    body = json.dumps(request(place, text), ensure_ascii="\ud800" in text).encode()
    await asyncio.sleep(2 * SAMPLE_SECONDS)
    stalls.doing, stalls.found[name] = name, 0.0
    headers = {"content-type": "application/json", "authorization": f"Bearer {account.token}"}
    answer = await account.http.post("/graphql", content=body, headers=headers)
    await asyncio.sleep(2 * SAMPLE_SECONDS)
    stalls.doing = ""
    assert answer.status_code in {200, 413}, name
    return stalls.found[name]


async def test_the_longest_stall_over_all_texts_is_reported(
    account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    """In milliseconds; the longest are tried again, since the machine may stand still, too."""
    await fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    tried = {
        f"{'.'.join((place[0][1], *place[1]))}, {size // 1000} KB of {kind}": (place, text)
        for size in SIZES
        for kind, text in texts(size).items()
        for place in places()
        if place[0][0] != "Subscription"
    }
    found = {name: await stall_of(stalls, account, *one(name, tried)) for name in tried}
    for name in sorted(found, key=lambda name: -found[name])[:TRIED_AGAIN]:
        for _ in range(TIMES):
            found[name] = min(found[name], await stall_of(stalls, account, *one(name, tried)))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    worst = sorted(found.items(), key=lambda found: -found[1])[:OF_NOTE]
    lines = [f"longest stall of the event loop over {len(tried):,} texts: {worst[0][1]:.1f} ms"]
    lines += [f"  {stall:6.1f} ms  {name}" for name, stall in worst]
    with capfd.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert len(tried) > len(SIZES)


def one(name: str, tried: dict[str, tuple[Place, str]]) -> tuple[Place, str, str]:
    """A place, what is tried there, and the text."""
    place, text = tried[name]
    return place, name, text
