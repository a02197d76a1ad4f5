"""Notifications to all processes that an owner's change log has grown.

They carry owners' ids only, and may get lost: feeds read the log itself, and poll it as well.
"""

import asyncio
import logging
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from todo_gql.changelog.channels import FAILURES, MAX_MESSAGE_BYTES, Channel, Subscription

logger = logging.getLogger(__name__)

# Owners are batched for so long, so that a process sends at most a hundred times a second.
BATCH_SECONDS = 0.01
CHECK_SECONDS = 5.0
REOPEN_SECONDS = 1.0
SENDER_BYTES, ID_BYTES = 8, 16
OWNERS_PER_MESSAGE = MAX_MESSAGE_BYTES * 3 // 4 // ID_BYTES - 1

OnGrowth = Callable[[Iterable[UUID]], None]


class Notifier:
    """Sends and receives the notifications of one process, while `run` is running.

    `on_growth` is called with the owners whose log has grown, `on_reopen` when notifications may have
    been missed.
    """

    def __init__(
        self, channel: Callable[[], Channel], on_growth: OnGrowth, on_reopen: Callable[[], None]
    ) -> None:
        self._channel = channel
        self._on_growth = on_growth
        self._on_reopen = on_reopen
        self._sender = secrets.token_bytes(SENDER_BYTES)
        self._subscription: Subscription | None = None
        self._waiting: set[UUID] = set()
        self._has_waiting = asyncio.Event()

    def announce(self, owner_id: UUID) -> None:
        """Notify the owner's feed in this process now, those of other processes in `BATCH_SECONDS`."""
        self._on_growth((owner_id,))
        if self._subscription:
            self._waiting.add(owner_id)
            self._has_waiting.set()

    async def run(self) -> None:
        """Send and receive notifications, and reopen the channel whenever it is lost."""
        lost = False
        while True:
            try:
                async with self._channel() as subscription, asyncio.TaskGroup() as tasks:
                    self._subscription, lost = subscription, False
                    self._on_reopen()
                    tasks.create_task(self._listen(subscription))
                    tasks.create_task(self._send(subscription))
            except* FAILURES as errors:
                if not lost:
                    logger.warning("wake-ups are lost, and logs polled: %r", errors.exceptions[0])
                lost = True
            self._subscription = None
            self._waiting.clear()
            await asyncio.sleep(REOPEN_SECONDS)

    async def _listen(self, subscription: Subscription) -> None:
        while True:
            message = await subscription.next_message()
            with suppress(ValueError):
                sender, owners = read_message(message)
                if sender != self._sender:
                    self._on_growth(owners)

    async def _send(self, subscription: Subscription) -> None:
        while True:
            try:
                await asyncio.wait_for(self._has_waiting.wait(), CHECK_SECONDS)
            except TimeoutError:
                await subscription.check()
                continue
            await asyncio.sleep(BATCH_SECONDS)
            self._has_waiting.clear()
            owners = list(self._waiting)
            self._waiting.clear()
            await subscription.send(list(messages(self._sender, owners)))


def messages(sender: bytes, owners: Sequence[UUID]) -> Iterator[str]:
    """The sender and the owners as text, in as few messages as can hold them."""
    for start in range(0, len(owners), OWNERS_PER_MESSAGE):
        ids = (owner.bytes for owner in owners[start : start + OWNERS_PER_MESSAGE])
        yield urlsafe_b64encode(b"".join((sender, *ids))).decode()


def read_message(message: str) -> tuple[bytes, list[UUID]]:
    """The sender of a message and the owners in it; `ValueError` if it is malformed."""
    content = urlsafe_b64decode(message)
    offsets = range(SENDER_BYTES, len(content), ID_BYTES)
    return content[:SENDER_BYTES], [
        UUID(bytes=content[offset : offset + ID_BYTES]) for offset in offsets
    ]
