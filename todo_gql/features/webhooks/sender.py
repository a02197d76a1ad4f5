"""Sending events to endpoints: how many at a time, and which of them are slow."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from yarl import URL

from todo_gql.database.connection import Row
from todo_gql.features.webhooks.attempts import Attempt, attempt
from todo_gql.features.webhooks.events import Event
from todo_gql.observability.metrics import metrics
from todo_gql.outbound.client import MAX_CONNECTIONS_PER_HOST, OutboundClient
from todo_gql.settings import Settings

SLOW_MILLISECONDS: Final = 2_000
MAX_SLOW: Final = 10_000
"""How many slow webhooks a worker remembers; it forgets all when there are more."""


class EndpointBusy(Exception):
    """As much is being sent to the endpoint's server as may be at a time."""


class Sender:
    """Sends events by a client, to each server so many at a time as it has connections for.

    `slow` are the webhooks whose last answer took long.
    """

    def __init__(self, client: OutboundClient, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self.slow = set[UUID]()
        self._running = Counter[str]()

    async def send(self, webhook: Row, event: Event) -> Attempt:
        """Send an event once; raises `EndpointBusy` if it has to wait for others."""
        with self._turn(webhook["url"]):
            sent = await attempt(self.client, self.settings, webhook, event.id, event.body)
        if sent.milliseconds < SLOW_MILLISECONDS:
            self.slow.discard(webhook["id"])
        else:
            if len(self.slow) >= MAX_SLOW:
                self.slow.clear()
            self.slow.add(webhook["id"])
        metrics().webhook_attempts.labels("delivered" if sent.succeeded else "failed").inc()
        return sent

    @contextmanager
    def _turn(self, url: str) -> Iterator[None]:
        origin = str(URL(url).origin())
        if self._running[origin] >= MAX_CONNECTIONS_PER_HOST:
            raise EndpointBusy
        self._running[origin] += 1
        try:
            yield
        finally:
            self._running[origin] -= 1
            if not self._running[origin]:
                del self._running[origin]
