"""What an import reports: counts by kind, and problems with their places."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from todo_gql.database.connection import Connection
from todo_gql.features.transfers.imports.drafts import shown
from todo_gql.features.transfers.runs import Run
from todo_gql.importing.records import Problem

MAX_PROBLEMS: Final = 10_000
"""How many problems of one import are stored; `skipped` counts all."""

MAX_LOCATION: Final = 200
MAX_MESSAGE: Final = 1_000
COUNTS: Final = (
    *("lists", "sections", "todos", "reminders", "comments", "attachments"),
    *("alreadyImported", "skipped"),
)
NEWEST: Final = """
SELECT coalesce(max(number), 0) FROM import_problems WHERE owner_id = $1 AND job_id = $2
"""
INSERT: Final = """
INSERT INTO import_problems (owner_id, job_id, number, location, title, code, message, is_loss)
SELECT $1, $2, $3 + n.number, n.location, n.title, n.code, n.message, n.is_loss
FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[])
    WITH ORDINALITY AS n (location, title, code, message, is_loss, number)
"""


@dataclass
class Report:
    """The report of a part of an import, which is added to that of the job with the part."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def add(self, problems: Iterable[Problem]) -> None:
        """Report problems; whatever isn't merely a loss is skipped."""
        for problem in problems:
            self.problems.append(problem)
            self.counts["skipped"] += not problem.is_loss


def counts_of(run: Run) -> Counter[str]:
    """What the job has counted by its last step."""
    return Counter(orjson.loads(run.row["counts"]))


def as_counts(counts: Counter[str]) -> dict[str, int]:
    """The counts as they are stored: all of them, 0 included."""
    return {name: counts[name] for name in COUNTS}


async def store_problems(connection: Connection, run: Run, problems: Sequence[Problem]) -> None:
    """Store problems behind those of the job, as far as there is room for them."""
    if not problems:
        return
    newest = await connection.fetchval(NEWEST, run.owner_id, run.job_id)
    rows = [
        (
            shown(one.location, MAX_LOCATION),
            shown(one.title) if one.title else None,
            one.code.value,
            shown(one.message, MAX_MESSAGE),
            one.is_loss,
        )
        for one in problems[: max(0, MAX_PROBLEMS - newest)]
    ]
    if rows:
        columns = zip(*rows, strict=True)
        await connection.execute(INSERT, run.owner_id, run.job_id, newest, *columns)
