"""People who follow their feeds live, over WebSockets and event streams, on whichever server is there."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx
from websockets.exceptions import WebSocketException

from tests.faults.installation import Installation
from tests.faults.workload import Owner
from tests.support.feeds import FEED as FEED_ROWS
from tests.support.subscribers import connected, streaming
from tests.support.waiting import until
from todo_gql.database.connection import fetch

FEED: Final = """
subscription ($after: String) { feed(after: $after) {
  __typename
  ... on FeedEntry { id cursor }
  ... on ResyncRequired { reason }
} }
"""
CURSOR: Final = "{ changeCursor }"
IDS: Final = f"SELECT c.id::text FROM ({FEED_ROWS}) f JOIN changes c ON c.owner_id = f.owner_id::uuid AND c.seq = f.source_seq WHERE f.seq > $2 ORDER BY f.seq"
GONE: Final = (OSError, EOFError, httpx.TransportError, WebSocketException)


@dataclass
class Follower:
    """Somebody who follows their feed, from one connection to the next without a gap."""

    person: Owner
    servers: Sequence[Installation]
    cursors: dict[str, str]
    start: int
    received: list[str] = field(default_factory=list)
    connections: int = 0

    async def run(self, chance: random.Random) -> None:
        """Follow for ever; on another connection when one is lost or after some time."""
        while True:
            server, events = chance.choice(self.servers), chance.randint(20, 400)
            source = self._by_socket if chance.random() < 0.5 else self._by_stream
            try:
                async for event in source(server):
                    assert event["__typename"] != "ResyncRequired", event
                    self.received.append(event["id"])
                    self.cursors[self.person.id] = event["cursor"]
                    events -= 1
                    if not events:
                        break
                else:
                    await asyncio.sleep(chance.uniform(0.01, 0.1))
            except GONE:
                await asyncio.sleep(chance.uniform(0.01, 0.1))

    async def _by_socket(self, server: Installation) -> AsyncIterator[Any]:
        async with connected(server.host, self.person.token) as socket:
            self.connections += 1
            await socket.subscribe(FEED, after=self.cursors[self.person.id])
            while True:
                message = await socket.next()
                payload = message.get("payload") or {}
                if message["type"] != "next" or "errors" in payload:
                    _check(payload if message["type"] == "error" else payload.get("errors", []))
                    return
                yield message["payload"]["data"]["feed"]

    async def _by_stream(self, server: Installation) -> AsyncIterator[Any]:
        after = self.cursors[self.person.id]
        async with streaming(server.host, self.person.token, FEED, after=after) as stream:
            self.connections += 1
            while True:
                name, body = await stream.next()
                if name != "next" or "errors" in body:
                    _check((body or {}).get("errors", []))
                    return
                yield body["data"]["feed"]

    async def expected(self) -> list[str]:
        """The ids of all that has come into the feed since the beginning, in order."""
        rows = await fetch(IDS, UUID(self.person.id), self.start)
        return [row["id"] for row in rows]

    async def catches_up(self) -> None:
        """Wait until everything is received that is in the feed."""
        number = len(await self.expected())
        await until(lambda: len(self.received) >= number)


def _check(errors: Iterable[Any]) -> None:
    """Fail unless the errors that a subscription ends with are those of an outage."""
    codes = {error["extensions"]["code"] for error in errors}
    assert codes <= {"UNAVAILABLE", "TIMEOUT"}, errors
