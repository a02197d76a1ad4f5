"""What all kinds of jobs have in common."""

from collections.abc import Hashable
from datetime import datetime
from typing import Any

import strawberry

from todo_gql.database.connection import Values
from todo_gql.features.transfers.enums import STATES, JobState


@strawberry.interface(
    description="Something that takes long, and that a worker does. An account has 20 at most, and each is "
    "deleted a week after it was asked for."
)
class Job:
    """A row of transfer_jobs."""

    id: strawberry.ID = strawberry.field(description="A UUID in canonical text form.")
    state: JobState = strawberry.field(description="How far it has come.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(
        description="When it ended; null before that, and again once it is started anew."
    )
    done: int = strawberry.field(description="How many things of `total` it has dealt with.")
    total: int | None = strawberry.field(
        description="How many things there are; null as long as that isn't known."
    )
    failed_because: str | None = strawberry.field(
        description="Why it is FAILED and what to do, in English; null otherwise."
    )
    share_key: strawberry.Private[Hashable]
    """Equal for events with the same response: subscriptions share it."""


def job_values(row: Values) -> dict[str, Any]:
    """The values of the interface's fields, from a row."""
    return {
        "id": strawberry.ID(str(row["id"])),
        "state": STATES[row["state"]],
        "created_at": row["created_at"],
        "finished_at": row["finished_at"],
        "done": row["done"],
        "total": row["total"],
        "failed_because": row["error"],
        "share_key": ("job", row["id"], row["started_at"], row["state"], row["done"], row["total"]),
    }
