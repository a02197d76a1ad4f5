"""When repeating todos will be due."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from todo_gql.api.errors import BadUserInput
from todo_gql.api.time_zones import FIRST_MOMENT, LocalClock, TimeZoneName
from todo_gql.database.connection import Values
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.recurrence_types import (
    Occurrence,
    RecurrenceInput,
    RecurrenceMode,
    read_recurrence,
)
from todo_gql.recurrence.normalization import begin
from todo_gql.recurrence.recurrences import Recurrence
from todo_gql.recurrence.rules import RuleError
from todo_gql.recurrence.series import Occurrence as SeriesOccurrence

UPCOMING_PAGE: Final = 5


class Upcoming(NamedTuple):
    """A recurrence, and when its todo is due, seen from the moment `now`."""

    recurrence: Recurrence
    due: date | datetime
    now: datetime

    @classmethod
    def from_row(cls, row: Values, now: datetime) -> "Upcoming":
        """That of a row of todos with a recurrence."""
        recurrence = Recurrence.from_json(orjson.loads(row["recurrence"]))
        return cls(recurrence, row["due_at"] or row["due_date"] or recurrence.anchor, now)

    @property
    def values(self) -> dict[str, Any]:
        """What the schema's type shows of the recurrence."""
        recurrence = self.recurrence
        return {
            "rule": str(recurrence.rule),
            "mode": RecurrenceMode(recurrence.mode),
            "time_zone": recurrence.time_zone,
            "anchor": recurrence.anchor,
            "done": recurrence.done,
            "catches_up": recurrence.catches_up,
        }

    async def occurrences(self, number: int) -> Sequence[Occurrence]:
        """So many occurrences after the one that is due, or all that are left."""
        await TimeSlice().end()
        return _listed(self.recurrence.following(self.due, self.now), number)


async def previewed(
    sent: RecurrenceInput, due: date | datetime | None, clock: LocalClock, number: int
) -> Sequence[Occurrence]:
    """The first occurrences of a recurrence that nobody has stored, that of the due date among them.

    Raises `BadUserInput` for a rule that can't be stored.
    """
    await TimeSlice().end()
    values = read_recurrence(sent, [], "input")
    zone = values.time_zone or TimeZoneName(clock.zone_name or "UTC")
    try:
        recurrence, moved_to = begin(
            *(values.rule, values.mode, zone, due or clock.today), catches_up=True
        )
    except RuleError as error:
        raise BadUserInput(str(error), path=["input", "rule"]) from error
    first = moved_to or SeriesOccurrence(
        recurrence.anchor, due if isinstance(due, datetime) else None
    )
    following = recurrence.following(first.at or first.date, FIRST_MOMENT)
    return [Occurrence.of(first), *_listed(following, number - 1)]


def _listed(occurrences: Iterable[SeriesOccurrence], number: int) -> list[Occurrence]:
    return [Occurrence.of(one) for one in islice(occurrences, number)]
