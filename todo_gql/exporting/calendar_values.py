"""What the values of a todo are called in iCalendar (RFC 5545)."""

from typing import Final

from todo_gql.database.models import Priority, Status

TODO_STATUSES: Final = {
    Status.PENDING: "NEEDS-ACTION",
    Status.IN_PROGRESS: "IN-PROCESS",
    Status.COMPLETED: "COMPLETED",
    Status.CANCELLED: "CANCELLED",
}
"""The statuses of VTODO (section 3.8.1.11)."""

PRIORITIES: Final = {Priority.URGENT: 1, Priority.HIGH: 3, Priority.MEDIUM: 5, Priority.LOW: 9}
"""Of PRIORITY (section 3.8.1.9) 1 to 4 are high, 5 is medium, and 6 to 9 are low."""


def percent_complete(status: Status, completed: int, total: int) -> int | None:
    """PERCENT-COMPLETE (section 3.8.1.8) by the subtasks; None for an open todo that has none."""
    if status is Status.COMPLETED:
        return 100
    return 100 * completed // total if total else None
