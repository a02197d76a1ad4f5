"""How long the event loop stands still at most, whatever text stands wherever in the schema."""

import asyncio
import json
import sys
import time
from contextlib import suppress
from uuid import UUID

import pytest

from tests.conftest import Account
from tests.worst_texts import SIZES, places, request, texts
from todo_gql import db

SAMPLE_SECONDS = 0.001
OF_NOTE = 10


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


async def test_the_longest_stall_over_all_texts_is_reported(
    account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    """In milliseconds; what the client in this process does with its request isn't counted."""
    await db.fetch("UPDATE users SET is_superuser = true WHERE id = $1", UUID(account.id))
    headers = {"content-type": "application/json", "authorization": f"Bearer {account.token}"}
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    answered = 0
    for size in SIZES:
        for kind, text in texts(size).items():
            for coordinate, path in places():
                if coordinate[0] == "Subscription":
                    continue
                stalls.doing = ""
                body = json.dumps(request((coordinate, path), text), ensure_ascii="\ud800" in text)
                content = body.encode()
                await asyncio.sleep(0.002)
                stalls.doing = f"{'.'.join((coordinate[1], *path))}, {size // 1000} KB of {kind}"
                answer = await account.http.post("/graphql", content=content, headers=headers)
                answered += 1
                assert answer.status_code in {200, 413}, stalls.doing
                stalls.doing = ""
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    stalls.found.pop("", None)
    worst = sorted(stalls.found.items(), key=lambda found: -found[1])[:OF_NOTE]
    lines = [f"longest stall of the event loop over {answered:,} requests: {worst[0][1]:.1f} ms"]
    lines += [f"  {stall:6.1f} ms  {doing}" for doing, stall in worst]
    with capfd.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert answered > len(SIZES)
