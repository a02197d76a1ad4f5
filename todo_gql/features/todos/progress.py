"""How far the subtasks of a todo are."""

import strawberry

from todo_gql.database.connection import Values


@strawberry.type(description="How far the subtasks of a todo are, those of subtasks left out.")
class SubtaskProgress:
    """The numbers that the todo's row has."""

    total: int = strawberry.field(description="Subtasks outside the trash that aren't CANCELLED.")
    completed: int = strawberry.field(description="Those of them that are COMPLETED.")
    percent: int = strawberry.field(
        description="Completed ones as a percentage of all, rounded; 100 only if all are, 0 if there "
        "are none."
    )

    @classmethod
    def from_row(cls, row: Values) -> "SubtaskProgress":
        """The progress in a row of todos."""
        # The release before it maintains neither.
        total = max(0, row["subtask_count"])
        completed = min(total, max(0, row["completed_subtask_count"]))
        percent = round(100 * completed / total) if total else 0
        return cls(
            total=total,
            completed=completed,
            percent=percent if completed == total else min(percent, 99),
        )
