"""When a todo is overdue: still open, and due at a moment before now or on a day before today."""

from datetime import date, datetime, timedelta, timezone

from todo_gql.api.time_zones import LocalClock
from todo_gql.database.connection import Row
from todo_gql.database.models import Status

OPEN_STATUSES = (Status.PENDING, Status.IN_PROGRESS)
OPEN = ", ".join(str(status.value) for status in OPEN_STATUSES)
"""The same for an IN of SQL."""


# The index of open todos by when they are due has the same condition on the status.
IS_OPEN = f"t.status IN ({OPEN})"


def overdue_at(now: str) -> str:
    """SQL that is true for a row `t` of todos that was due at a moment before `now`, an SQL expression."""
    return f"t.due_at < {now} AND t.due_on IS NOT NULL AND {IS_OPEN}"


def overdue_on(today: str) -> str:
    """SQL that is true for a row `t` of todos that was due on a day before `today`, an SQL expression."""
    return f"t.due_at IS NULL AND t.due_on < {today} AND {IS_OPEN}"


def overdue_condition(now: str, today: str) -> str:
    """SQL that is true for a row `t` of todos overdue at `now`, when it is `today` for the viewer."""
    is_due = f"t.due_at < {now} OR t.due_at IS NULL AND t.due_on < {today}"
    return f"({is_due}) AND t.due_on IS NOT NULL AND {IS_OPEN}"


FARTHEST_WEST = timezone(timedelta(hours=-12))
FARTHEST_EAST = timezone(timedelta(hours=14))
# Zones are up to 26 hours apart, so that a moment is on three days at most.
DAYS_APART = range(3)
VIEWER_TIME_ZONE = "(SELECT u.time_zone FROM users u WHERE u.id = $1) AS viewer_time_zone"


def first_today(now: datetime) -> date:
    """The earliest day that it is anywhere."""
    return now.astimezone(FARTHEST_WEST).date()


def last_today(now: datetime) -> date:
    """The latest day that it is anywhere."""
    return now.astimezone(FARTHEST_EAST).date()


def overdue_on_days(first: str) -> list[str]:
    """Columns that count rows `t` of open todos whose day is over once it is a later one than others.

    Those before `first`, an SQL expression for `first_today`, are overdue everywhere. So the zone of the
    viewer `$1` needn't be known before.
    """
    is_on = (f"< {first}", f"= {first}", f"= {first} + 1")
    is_open = f"t.due_at IS NULL AND {IS_OPEN}"
    return [
        f"count(*) FILTER (WHERE t.due_on {is_on[days]} AND {is_open}) AS overdue_{days}"
        for days in DAYS_APART
    ]


def overdue_columns(now: str, first: str) -> list[str]:
    """The columns of `overdue_count` for a count of rows `t` of todos of the viewer `$1`."""
    timed = f"count(*) FILTER (WHERE {overdue_at(now)}) AS overdue_at"
    return [timed, *overdue_on_days(first), VIEWER_TIME_ZONE]


def overdue_count(row: Row, now: datetime) -> int:
    """How many todos are overdue, of a row with `overdue_columns`."""
    days = (LocalClock(now, row["viewer_time_zone"]).today - first_today(now)).days
    return int(row["overdue_at"] + sum(row[f"overdue_{n}"] for n in DAYS_APART if n <= days))
