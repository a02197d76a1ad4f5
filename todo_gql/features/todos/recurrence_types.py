"""What clients send and see of recurrence, apart from the todos that it leads to."""

from datetime import date, datetime
from enum import Enum
from typing import Any, NamedTuple

import strawberry
from strawberry import UNSET

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.time_zones import TimeZoneName
from todo_gql.recurrence.grammar import MAX_RULE_LENGTH, parse_rule
from todo_gql.recurrence.recurrences import RecurrenceMode as Mode
from todo_gql.recurrence.rules import RuleError
from todo_gql.recurrence.series import Occurrence as SeriesOccurrence


@strawberry.enum(description="What the next due date of a repeating todo is counted from.")
class RecurrenceMode(Enum):
    """The modes of the recurrence room."""

    SCHEDULE = strawberry.enum_value(
        Mode.SCHEDULE, description="The days of the rule, whenever the todo is completed."
    )
    COMPLETION = strawberry.enum_value(
        Mode.COMPLETION,
        description="The day on which the todo is completed: an interval later, or on the last day of a "
        "shorter month. The rule has FREQ, INTERVAL, COUNT and UNTIL only.",
    )


@strawberry.input(description="How a todo repeats, from its due date on.")
class RecurrenceInput:
    """A rule, and what its days depend on."""

    rule: str = strawberry.field(
        description=f"A part of RFC 5545's RRULE, such as FREQ=WEEKLY;BYDAY=MO,FR: FREQ from DAILY to "
        "YEARLY, INTERVAL and COUNT from 1 to 999, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, WKST, UNTIL; "
        f"at most {MAX_RULE_LENGTH} characters. A date as UNTIL is that whole day."
    )
    mode: RecurrenceMode = strawberry.field(
        default=RecurrenceMode.SCHEDULE, description="What the next due date is counted from."
    )
    time_zone: TimeZoneName | None = strawberry.field(
        default=UNSET,
        description="The zone of its days and times: that of `dueAt` if absent, or else of the profile.",
    )
    catches_up: bool = strawberry.field(
        default=False,
        description="Whether what was missed comes one by one: SCHEDULE alone has an effect on it.",
    )


@strawberry.type(description="When a repeating todo is due.")
class Occurrence:
    """One of its days."""

    day: date = strawberry.field(name="date", description="The day, in the zone of the recurrence.")
    at: datetime | None = strawberry.field(description="The moment; null if it has a day only.")

    @classmethod
    def of(cls, occurrence: SeriesOccurrence) -> "Occurrence":
        """The occurrence of a series."""
        return cls(day=occurrence.date, at=occurrence.at)


class SentRecurrence(NamedTuple):
    """A recurrence as it was sent; what is stored follows from the due date."""

    rule: str
    mode: Mode
    time_zone: TimeZoneName | None
    catches_up: bool


def read_recurrence(sent: Any, problems: list[UserError], *path: str) -> SentRecurrence:
    """What was sent; a rule that can't be read is added to the problems."""
    try:
        parse_rule(sent.rule)
    except RuleError as error:
        problems.append(invalid(ErrorCode.INVALID, str(error), *path, "rule"))
    zone = None if sent.time_zone is UNSET else sent.time_zone
    return SentRecurrence(sent.rule, sent.mode.value, zone, sent.catches_up)
