"""Wake-ups: telling all processes whose change log has grown, and nothing more.

They may get lost. Whoever is woken reads the log, and polls it besides.
"""

import asyncio
import logging
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from todo_gql.changelog.channels import FAILURES, LONGEST_MESSAGE, Channel, Link

logger = logging.getLogger(__name__)

# Owners are gathered for so long, so that a process notifies at most a hundred times a second.
GATHER_SECONDS = 0.01
CHECK_SECONDS = 5.0
REOPEN_SECONDS = 1.0
TAG_BYTES, ID_BYTES = 8, 16
OWNERS_AT_ONCE = LONGEST_MESSAGE * 3 // 4 // ID_BYTES - 1

Woken = Callable[[Iterable[UUID]], None]


class Wakeups:
    """One process's end of the channel, from `run` until that is cancelled.

    `woken` is called with the owners whose log has grown, and `reopened` when wake-ups may have
    been missed.
    """

    def __init__(
        self, channel: Callable[[], Channel], woken: Woken, reopened: Callable[[], None]
    ) -> None:
        self._channel = channel
        self._woken = woken
        self._reopened = reopened
        self._tag = secrets.token_bytes(TAG_BYTES)
        self._link: Link | None = None
        self._waiting: set[UUID] = set()
        self._some_wait = asyncio.Event()

    def announce(self, owner_id: UUID) -> None:
        """Wake the owner's subscribers here at once, and those elsewhere a moment later."""
        self._woken((owner_id,))
        if self._link:
            self._waiting.add(owner_id)
            self._some_wait.set()

    async def run(self) -> None:
        """Pass wake-ups on, and open the channel again whenever it is lost."""
        lost = False
        while True:
            try:
                async with self._channel() as link, asyncio.TaskGroup() as tasks:
                    self._link, lost = link, False
                    self._reopened()
                    tasks.create_task(self._listen(link))
                    tasks.create_task(self._tell(link))
            except* FAILURES as errors:
                if not lost:
                    logger.warning("wake-ups are lost, and logs polled: %r", errors.exceptions[0])
                lost = True
            self._link = None
            self._waiting.clear()
            await asyncio.sleep(REOPEN_SECONDS)

    async def _listen(self, link: Link) -> None:
        while True:
            message = await link.next_message()
            with suppress(ValueError):
                sender, owners = read_message(message)
                if sender != self._tag:
                    self._woken(owners)

    async def _tell(self, link: Link) -> None:
        while True:
            try:
                await asyncio.wait_for(self._some_wait.wait(), CHECK_SECONDS)
            except TimeoutError:
                await link.check()
                continue
            await asyncio.sleep(GATHER_SECONDS)
            self._some_wait.clear()
            owners = list(self._waiting)
            self._waiting.clear()
            await link.send(list(messages(self._tag, owners)))


def messages(tag: bytes, owners: Sequence[UUID]) -> Iterator[str]:
    """Owners as text, with who sends them, in as few messages as can hold them."""
    for start in range(0, len(owners), OWNERS_AT_ONCE):
        ids = (owner.bytes for owner in owners[start : start + OWNERS_AT_ONCE])
        yield urlsafe_b64encode(b"".join((tag, *ids))).decode()


def read_message(message: str) -> tuple[bytes, list[UUID]]:
    """Who sends a message, and the owners in it; `ValueError` for what is none."""
    content = urlsafe_b64decode(message)
    places = range(TAG_BYTES, len(content), ID_BYTES)
    return content[:TAG_BYTES], [UUID(bytes=content[at : at + ID_BYTES]) for at in places]
