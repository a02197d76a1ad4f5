"""When a todo is overdue: due in the past and still open."""

from todo_gql.database.models import Status

OPEN_STATUSES = (Status.PENDING, Status.IN_PROGRESS)
OPEN = ", ".join(str(status.value) for status in OPEN_STATUSES)
"""The same for an IN of SQL."""


def overdue_condition(now: str) -> str:
    """SQL that is true for a row `t` of todos overdue at `now`, which is an SQL expression.

    The index of open todos by when they are due has the same conditions on the status and the day.
    """
    return f"t.due_at < {now} AND t.due_on IS NOT NULL AND t.status IN ({OPEN})"
