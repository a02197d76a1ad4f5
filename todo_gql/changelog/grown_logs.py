"""Which logs have grown, for readers of a worker that follow the logs of all owners."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from todo_gql.api.errors import Unavailable
from todo_gql.changelog import feed_registry

MAX_GROWN: Final = 10_000


class GrownLogs:
    """The owners whose logs were announced to have grown since they were last looked at."""

    def __init__(self) -> None:
        self._topics: set[UUID] = set()

    def wake(self, topics: Iterable[UUID]) -> None:
        """Note these topics, some of which are no logs."""
        if len(self._topics) < MAX_GROWN:
            self._topics.update(topics)

    async def poll(self) -> None:
        """Nothing: the reader looks through all feeds by itself."""

    def take(self) -> list[UUID]:
        """The topics since the last call."""
        topics, self._topics = self._topics, set()
        return list(topics)


def take_grown(kind: type[GrownLogs]) -> list[UUID]:
    """The owners whose logs were announced since a reader's last call; nobody in a process without a notifier.

    Each reader has a class of its own.
    """
    try:
        return feed_registry.follower(kind).take()
    except Unavailable:
        return []
