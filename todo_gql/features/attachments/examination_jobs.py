"""Which files a worker examines before they are READY, and the jobs for that."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from todo_gql.database.connection import Connection
from todo_gql.features.files.content_types import IMAGE_TYPES
from todo_gql.jobs.queue import NewJob, enqueue_within
from todo_gql.settings import Settings

EXAMINE_FILE: Final = "examine_file"
"""The kind of job that scans a file, and makes the thumbnails of a picture."""


def needs_examination(content_type: str, settings: Settings) -> bool:
    """Whether a file of a type is scanned, or a picture."""
    return settings.clamav_host is not None or content_type in IMAGE_TYPES


async def enqueue_examinations(connection: Connection, owner_id: UUID, ids: Iterable[UUID]) -> None:
    """Have a worker examine files, in the transaction that stores them as SCANNING."""
    jobs = [NewJob(f"examine {id}", {"owner_id": owner_id, "attachment_id": id}) for id in ids]
    if jobs:
        await enqueue_within(connection, EXAMINE_FILE, jobs)
