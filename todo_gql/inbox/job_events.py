"""How jobs end of which people are notified; the source of an entry names it."""

from datetime import datetime
from enum import Enum
from uuid import UUID

from todo_gql.database.models import JobState, NotificationKind, TransferKind


class JobEvent(Enum):
    """What has ended and how, by the word that is stored, with the words that are shown."""

    IMPORT_DONE = "Your import is done."
    IMPORT_FAILED = "Your import couldn't be finished."
    TRIAL_DONE = "The trial run of your import is done."
    TRIAL_FAILED = "The trial run of your import couldn't be finished."
    EXPORT_DONE = "Your export is ready."
    EXPORT_FAILED = "Your export couldn't be finished."
    WEBHOOK_DISABLED = "One of your webhooks is disabled; it says why."

    @classmethod
    def of(cls, kind: int, state: JobState, *, is_trial: bool) -> "JobEvent":
        """The event of a job that is DONE or FAILED."""
        subject = "TRIAL" if is_trial else TransferKind(kind).name
        return cls[f"{subject}_{state.name}"]


def source_of(event: JobEvent, job_id: UUID, started_at: datetime) -> str:
    """The source of an entry, the same for one run of a job."""
    return f"{event.name.lower()} {job_id} {started_at.isoformat()}"


def job_text(kind: int, source: str) -> str | None:
    """What to show for an entry; None if it is of another kind, or a newer release's."""
    word = source.partition(" ")[0].upper()
    is_known = kind == NotificationKind.JOB and word in JobEvent.__members__
    return JobEvent[word].value if is_known else None
