"""What the subscriptions of one owner share: what was loaded for an event, and its bodies."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from todo_gql.operation.loaders import Loaders
from todo_gql.security.authentication import Viewer

SHARED_FOR: Final = timedelta(seconds=1)
# Whoever is far behind goes through thousands of changes in a second.
MOST_BODIES: Final = 1_000
MOST_BYTES: Final = 2**20
EVENTS_LOADED_FOR: Final = 10


class Made(NamedTuple):
    """The body of an event, and for which document alone; None for all that select the same."""

    body: bytes
    document: Hashable | None


class Bodies:
    """The bodies of the newest events, and those that are being made, by what they are of.

    The oldest go first once there are more than `MOST_BODIES`, or together more than `MOST_BYTES`.
    """

    def __init__(self) -> None:
        self.size = 0
        self._tasks: OrderedDict[Hashable, asyncio.Task[Made]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tasks)

    def get(self, key: Hashable) -> asyncio.Task[Made] | None:
        """The body with this key, made or being made."""
        return self._tasks.get(key)

    def add(self, key: Hashable, task: asyncio.Task[Made]) -> None:
        """Share a body that is being made, once for each key."""
        self._tasks[key] = task
        task.add_done_callback(partial(self._weigh, key))

    def _weigh(self, key: Hashable, task: asyncio.Task[Made]) -> None:
        size = _size(task)
        if self._tasks.get(key) is task:
            self.size += size
        while len(self._tasks) > MOST_BODIES or (self.size > MOST_BYTES and self._tasks):
            _, oldest = self._tasks.popitem(last=False)
            self.size -= _size(oldest) if oldest.done() else 0


def _size(task: asyncio.Task[Made]) -> int:
    """The bytes of a body; an error that nobody may be left to hear of is noted as seen."""
    return 0 if task.cancelled() or task.exception() else len(task.result().body)


class Shared:
    """What events of less than a second are told with, all with the same rights.

    What was loaded is loaded anew after a few events, so that who goes through a long log keeps
    no more of it in memory than who follows its end.
    """

    def __init__(self, viewer: Viewer, turn: asyncio.Lock) -> None:
        self.viewer = viewer
        self.turn = turn
        self.bodies = Bodies()
        self._since = datetime.now(UTC)
        self._loaders: Loaders | None = None
        self._events = 0

    @property
    def is_old(self) -> bool:
        """Whether todos may have changed since without anybody having heard of it."""
        return datetime.now(UTC) - self._since > SHARED_FOR

    def loaders(self) -> Loaders:
        """The loaders for one more event."""
        if self._loaders is None or self._events >= EVENTS_LOADED_FOR:
            self._loaders, self._events = Loaders(self.viewer, datetime.now(UTC)), 0
        self._events += 1
        return self._loaders
