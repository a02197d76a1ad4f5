"""Who besides the owner gets the changes of a write, and the spans that number them in their feeds.

Who gets a change of a list are its members, before the write and after it. Their feeds are rows of the
second class of locks: all of a transaction are locked by one statement, in ascending order, after all of
the first class, which are the rows of `users` of the owners.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.database.connection import Connection, Row

LOCK_OWN: Final = "SELECT seq FROM feeds WHERE owner_id = $1 FOR NO KEY UPDATE"
# `$1` are the owners of what is written, `$2` the lists, `$3` others who get changes. A feed that had to be
# waited for has the number that was committed meanwhile.
LOCK_ALL: Final = """
WITH members AS MATERIALIZED (
    SELECT list_id, user_id FROM list_members WHERE owner_id = ANY($1::uuid[]) AND list_id = ANY($2::uuid[])
), recipients AS (
    SELECT user_id AS id FROM members UNION SELECT unnest($1::uuid[]) UNION SELECT unnest($3::uuid[])
), locked AS MATERIALIZED (
    SELECT f.owner_id, f.seq FROM feeds f JOIN recipients r ON r.id = f.owner_id
    ORDER BY f.owner_id FOR NO KEY UPDATE OF f
)
SELECT l.owner_id, l.seq, m.list_id FROM locked l LEFT JOIN members m ON m.user_id = l.owner_id
"""
# `later` is how many of a recipient's numbers come after the span.
STORE_SPANS: Final = """
WITH n AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::int[])
        AS n (owner_id, source_owner_id, source_from, number, later)
), counted AS (
    UPDATE feeds f SET seq = f.seq + d.number, counted_seq = f.counted_seq + d.number, has_spans = true
    FROM (SELECT owner_id, sum(number) AS number FROM n GROUP BY owner_id) d
    WHERE f.owner_id = d.owner_id RETURNING f.owner_id, f.seq
)
INSERT INTO spans (owner_id, seq_from, seq_to, source_owner_id, source_from, at)
SELECT n.owner_id, c.seq - n.later - n.number + 1, c.seq - n.later, n.source_owner_id, n.source_from, $6
FROM counted c JOIN n ON n.owner_id = c.owner_id
"""
# The same, and the spans of the actor, who is to know the numbers of what they did.
STORE_AND_READ_SPANS: Final = (
    STORE_SPANS.replace("INSERT INTO", ", stored AS (INSERT INTO").rstrip()
    + """ RETURNING owner_id, seq_from, seq_to, source_owner_id, source_from)
SELECT seq_from, seq_to, source_owner_id, source_from FROM stored WHERE owner_id = $7
"""
)
MAX_RUNS: Final = 500
"""How many runs of changes a statement writes at most."""

NOBODY: Final = frozenset[UUID]()


class _Run(NamedTuple):
    """Consecutive changes in an owner's log that the same people get."""

    owner_id: UUID
    first: int
    number: int
    recipients: frozenset[UUID]

    def is_before(self, owner_id: UUID, seq: int) -> bool:
        """Whether the change with this number in an owner's log follows the last one of these."""
        return self.owner_id == owner_id and self.first + self.number == seq


class Recipients:
    """Who gets the changes of a transaction in feeds of their own, in addition to the owners."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._members: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._lists: set[UUID] = set()
        self._added: set[UUID] = set()
        self._runs: list[_Run] = []
        self._actor_spans: list[Row] = []
        self.announced: set[UUID] = set()

    def add(self, list_id: UUID, user_id: UUID) -> None:
        """Have somebody get the changes of a list who isn't its member before the write, or isn't after it."""
        self._members[list_id].add(user_id)
        self._added.add(user_id)

    async def lock(
        self, owner_ids: Sequence[UUID], list_ids: AbstractSet[UUID]
    ) -> Mapping[UUID, int]:
        """Lock the feeds of owners and of the members of lists; returns the number of each one's newest change.

        From then on nobody else numbers changes in them. To be called once for all that a transaction
        writes: a further call for other lists may end in a deadlock, after which all is tried again.
        """
        lists, added = list(list_ids - self._lists), self._added
        if not lists and not added and len(owner_ids) == 1:
            return {owner_ids[0]: await self._connection.fetchval(LOCK_OWN, owner_ids[0])}
        rows = await self._connection.fetch(LOCK_ALL, owner_ids, lists, list(added))
        self._lists.update(lists)
        self._added = set()
        for row in rows:
            if row["list_id"]:
                self._members[row["list_id"]].add(row["owner_id"])
        return {row["owner_id"]: row["seq"] for row in rows}

    def are_locked(self, list_ids: AbstractSet[UUID]) -> bool:
        """Whether the feeds of all who get changes of these lists are locked."""
        return not self._added and list_ids <= self._lists

    def record(self, owner_id: UUID, first: int, lists: Iterable[Iterable[UUID | None]]) -> None:
        """Note changes in an owner's log, numbered from `first` on, each with the lists that it concerns."""
        for number, list_ids in enumerate(lists, first):
            self.record_run(owner_id, number, 1, list_ids)

    def record_run(
        self, owner_id: UUID, first: int, number: int, list_ids: Iterable[UUID | None]
    ) -> None:
        """Note so many changes in an owner's log, numbered from `first` on, that concern the same lists."""
        members = NOBODY.union(
            *(self._members[id] for id in list_ids if id and id in self._members)
        )
        recipients = members - {owner_id}
        if not recipients or not number:
            return
        last = self._runs[-1] if self._runs else None
        if last and last.recipients == recipients and last.is_before(owner_id, first):
            self._runs[-1] = last._replace(number=last.number + number)
        else:
            self._runs.append(_Run(owner_id, first, number, recipients))

    async def store(self, now: datetime, actor_id: UUID | None) -> None:
        """Write the spans of all that was noted; before the commit, after all changes."""
        for start in range(0, len(self._runs), MAX_RUNS):
            runs = self._runs[start : start + MAX_RUNS]
            columns, recipients = (
                zip(*_spans(runs), strict=True),
                {*chain(*(run.recipients for run in runs))},
            )
            if actor_id in recipients:
                self._actor_spans += await self._connection.fetch(
                    STORE_AND_READ_SPANS, *columns, now, actor_id
                )
            else:
                await self._connection.execute(STORE_SPANS, *columns, now)
            self.announced |= recipients

    def number_of(self, owner_id: UUID, seq: int) -> int | None:
        """The number in the actor's feed of a change in an owner's log, once it is stored."""
        for row in self._actor_spans:
            number: int = row["seq_from"] + seq - row["source_from"]
            if row["source_owner_id"] == owner_id and row["seq_from"] <= number <= row["seq_to"]:
                return number
        return None


def _spans(runs: Iterable[_Run]) -> list[tuple[UUID, UUID, int, int, int]]:
    """The spans of runs: recipient, owner, first number in the owner's log, number of changes, and later ones.

    Those of a recipient that follow one another in a log are one span.
    """
    by_recipient = defaultdict[UUID, list[_Run]](list)
    for run in runs:
        for recipient in run.recipients:
            own = by_recipient[recipient]
            last = own[-1] if own else None
            if last and last.is_before(run.owner_id, run.first):
                own[-1] = last._replace(number=last.number + run.number)
            else:
                own.append(run)
    rows = list[tuple[UUID, UUID, int, int, int]]()
    for recipient, own in by_recipient.items():
        later = 0
        for run in reversed(own):
            rows.append((recipient, run.owner_id, run.first, run.number, later))
            later += run.number
    return rows
