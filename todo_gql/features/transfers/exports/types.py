"""Exports as the schema shows them."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.api.node import Node
from todo_gql.database.connection import Values
from todo_gql.database.models import JobState
from todo_gql.features.transfers.job_type import Job, job_values
from todo_gql.operation.context import Info
from todo_gql.storage.stores import file_store

CONTENT_TYPE: Final = "application/zip"
MAX_INT: Final = 2**31 - 1


def file_key(job_id: UUID) -> str:
    """Where the file of an export is in the store."""
    return f"transfer_jobs/{job_id}/file"


@strawberry.type(
    description="An export of everything that is the viewer's own, as a zip archive with JSON Lines, and with files for "
    "todo.txt, Taskwarrior and iCalendar."
)
class ExportJob(Job, Node):
    """A row of transfer_jobs whose kind is EXPORT."""

    expires_at: datetime | None = strawberry.field(
        description="When the archive is deleted, a week after it was asked for."
    )
    size: int | None = strawberry.field(
        description="The size of the archive in bytes; null until the job is DONE."
    )
    key: strawberry.Private[UUID]

    @classmethod
    def from_row(cls, row: Values) -> "ExportJob":
        """The export in a row."""
        is_done = row["state"] == JobState.DONE
        return cls(
            **job_values(row),
            expires_at=row["expires_at"],
            size=min(row["file_size"], MAX_INT) if is_done else None,
            key=row["id"],
        )

    @strawberry.field(
        description="Where the archive can be downloaded for 5 minutes from now on, by whoever has the address; "
        "null until the job is DONE."
    )
    def url(self, info: Info) -> str | None:
        if self.size is None or (self.expires_at and self.expires_at <= datetime.now(UTC)):
            return None
        name = f"todo_gql-export-{self.created_at:%Y-%m-%d}.zip"
        store = file_store(info.context.settings)
        key = file_key(self.key)
        return store.download_url(key, file_name=name, content_type=CONTENT_TYPE, inline=False)


@strawberry.type(description="What became of the request for an export.")
class ExportPayload:
    """The answer of `exportCreate`."""

    job: ExportJob | None = strawberry.field(
        description="The export, which a worker makes; null if there are errors.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
