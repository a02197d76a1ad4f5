"""The jobs that a viewer may see: their own."""

from typing import Final
from uuid import UUID

from todo_gql.database.models import JobState, TransferJob, TransferKind
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

JOB_COLUMNS: Final = columns(TransferJob, "j")
ENDED_STATES: Final = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


def visible_jobs(viewer: Viewer) -> SelectQuery:
    """The viewer's jobs `j`, of all kinds."""
    return jobs_of(viewer.id)


def visible_imports(viewer: Viewer) -> SelectQuery:
    """The viewer's imports `j`."""
    return jobs_of(viewer.id).where(f"j.kind = {TransferKind.IMPORT.value}")


def visible_exports(viewer: Viewer) -> SelectQuery:
    """The viewer's exports `j`."""
    return jobs_of(viewer.id).where(f"j.kind = {TransferKind.EXPORT.value}")


def jobs_of(owner_id: UUID) -> SelectQuery:
    """A person's jobs `j`."""
    return owned("transfer_jobs j", "j", owner_id)
