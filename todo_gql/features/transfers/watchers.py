"""The jobs with subscribers in this process, and what wakes them.

Whoever has changed a job calls `announce` after the commit, in any process.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final
from uuid import UUID

from todo_gql.changelog import feed_registry
from todo_gql.changelog.positions import retry_until_available
from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.features.transfers.access import ENDED_STATES, JOB_COLUMNS
from todo_gql.operation.event_cache import EventCache
from todo_gql.security.authentication import Viewer

# Flips bits of a job's id, so that no topic is that of an owner's change log or inbox.
JOB_BITS: Final = UUID("d1c5a3f0-4be2-4f6d-9a37-5c80e2f9b714").int
SELECT: Final = (
    f"SELECT {', '.join(JOB_COLUMNS)} FROM transfer_jobs j WHERE j.owner_id = $1 AND j.id = $2"
)
POSITIONS: Final = """
SELECT j.id, j.state, j.done FROM transfer_jobs j WHERE j.owner_id = ANY($1) AND j.id = ANY($2)
"""


def topic_of(job_id: UUID) -> UUID:
    """What stands for a job on the channel of wake-ups."""
    return UUID(int=job_id.int ^ JOB_BITS)


def announce(job_id: UUID) -> None:
    """Notify all processes that a job has changed; for after the commit."""
    feed_registry.announce(topic_of(job_id))


def state_key(row: Row) -> tuple[object, ...]:
    """Equal for rows of a job that show the same."""
    return row["started_at"], row["state"], row["done"], row["total"]


class WatchedJob:
    """One job, with what its subscribers share."""

    def __init__(self, owner_id: UUID, job_id: UUID) -> None:
        self.owner_id = owner_id
        self.job_id = job_id
        self.subscribers = 0
        self.polled: tuple[int, int] | None = None
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._cache: EventCache | None = None
        self._newest: tuple[object, ...] | None = None

    def wake(self) -> None:
        """Have the subscribers read, of whom each waits on the event as it was then."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def shared(self, viewer: Viewer) -> EventCache:
        """The cache for an event, less than a second old; a job has one viewer only."""
        if self._cache is None or self._cache.is_expired:
            self._cache = EventCache(viewer, self._lock)
        return self._cache

    async def states(self) -> AsyncGenerator[Row, None]:
        """Yield the job's row as it is, and whenever it has changed, until it has ended or is gone."""
        last: tuple[object, ...] | None = None
        while True:
            changed = self._changed
            row = await retry_until_available(partial(fetchrow, SELECT, self.owner_id, self.job_id))
            if row is None:
                return
            if (key := state_key(row)) != last:
                last = key
                self._drop_cache(key)
                yield row
            if row["state"] in ENDED_STATES:
                return
            await changed.wait()

    def _drop_cache(self, key: tuple[object, ...]) -> None:
        """Load anew for a state that nobody has read: its report has grown."""
        if key != self._newest:
            self._newest, self._cache = key, None


class WatchedJobs:
    """The jobs that are followed in one process."""

    def __init__(self) -> None:
        self._by_topic: dict[UUID, WatchedJob] = {}

    @contextmanager
    def subscribed(self, owner_id: UUID, job_id: UUID) -> Iterator[WatchedJob]:
        """The watched job of a person, which exists while it has subscribers."""
        topic = topic_of(job_id)
        job = self._by_topic.setdefault(topic, WatchedJob(owner_id, job_id))
        job.subscribers += 1
        try:
            yield job
        finally:
            job.subscribers -= 1
            if not job.subscribers and self._by_topic.get(topic) is job:
                del self._by_topic[topic]

    def subscribers(self, job_id: UUID) -> int:
        """How many subscriptions follow a job."""
        job = self._by_topic.get(topic_of(job_id))
        return job.subscribers if job else 0

    def wake(self, topics: Iterable[UUID]) -> None:
        """Have the subscribers of these jobs read."""
        for topic in topics:
            if job := self._by_topic.get(topic):
                job.wake()

    async def poll(self) -> None:
        """Wake the jobs that have changed; raises what `fetch` raises."""
        by_id = {job.job_id: job for job in self._by_topic.values()}
        if not by_id:
            return
        owner_ids = [job.owner_id for job in by_id.values()]
        for row in await fetch(POSITIONS, owner_ids, list(by_id)):
            job, position = by_id.pop(row["id"]), (row["state"], row["done"])
            if position != job.polled:
                job.polled = position
                job.wake()
        for job in by_id.values():
            job.wake()
