"""What the subscriptions of one owner share for an event: loaded rows, and response bodies."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from todo_gql.operation.loaders import Loaders
from todo_gql.security.authentication import Viewer

MAX_AGE: Final = timedelta(seconds=1)
# A subscriber that catches up reads thousands of changes per second.
MAX_BODIES: Final = 1_000
MAX_BYTES: Final = 2**20
EVENTS_PER_LOADERS: Final = 10


class EventBody(NamedTuple):
    """The response body of an event.

    `document` is the key of the only document that it is valid for, since it contains error
    locations; None if it is valid for all documents that select the same.
    """

    body: bytes
    document: Hashable | None


class BodyCache:
    """The tasks that create the bodies of the newest events, running or done.

    The oldest are evicted beyond `MAX_BODIES` entries, or `MAX_BYTES` bytes in total.
    """

    def __init__(self) -> None:
        self.size = 0
        self._tasks: OrderedDict[Hashable, asyncio.Task[EventBody]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tasks)

    def get(self, key: Hashable) -> asyncio.Task[EventBody] | None:
        """The task that creates, or has created, the body with this key."""
        return self._tasks.get(key)

    def add(self, key: Hashable, task: asyncio.Task[EventBody]) -> None:
        """Cache a running task; once per key."""
        self._tasks[key] = task
        task.add_done_callback(partial(self._count_size, key))

    def _count_size(self, key: Hashable, task: asyncio.Task[EventBody]) -> None:
        size = _size(task)
        if self._tasks.get(key) is task:
            self.size += size
        while len(self._tasks) > MAX_BODIES or (self.size > MAX_BYTES and self._tasks):
            _, oldest = self._tasks.popitem(last=False)
            self.size -= _size(oldest) if oldest.done() else 0


def _size(task: asyncio.Task[EventBody]) -> int:
    """The bytes of a body, 0 if it failed; marks the exception as retrieved, as nobody may await it."""
    return 0 if task.cancelled() or task.exception() else len(task.result().body)


class EventCache:
    """Loaders and bodies for the events of one second, of one viewer of an owner's log.

    The loaders are replaced every `EVENTS_PER_LOADERS` events, so that reading a long log doesn't
    fill the memory with its rows.
    """

    def __init__(self, viewer: Viewer, lock: asyncio.Lock) -> None:
        self.viewer = viewer
        self.lock = lock
        self.bodies = BodyCache()
        self._created_at = datetime.now(UTC)
        self._loaders: Loaders | None = None
        self._uses = 0

    @property
    def is_expired(self) -> bool:
        """Whether it is older than `MAX_AGE`: todos may have changed since."""
        return datetime.now(UTC) - self._created_at > MAX_AGE

    def loaders(self) -> Loaders:
        """The loaders for one more event, perhaps new ones."""
        if self._loaders is None or self._uses >= EVENTS_PER_LOADERS:
            self._loaders, self._uses = Loaders(self.viewer, datetime.now(UTC)), 0
        self._uses += 1
        return self._loaders
