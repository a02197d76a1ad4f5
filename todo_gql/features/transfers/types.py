"""Jobs as the schema shows them.

A kind of job is a type that implements `Job`, is read from a row of transfer_jobs by its `from_row`,
and stands in `JOB_TYPES`, by which `jobs`, the subscription `job` and `node` find it.
"""

from collections.abc import Callable
from typing import Final

from todo_gql.database.connection import Values
from todo_gql.database.models import TransferKind
from todo_gql.features.transfers.exports.types import ExportJob
from todo_gql.features.transfers.import_types import ImportJob
from todo_gql.features.transfers.job_type import Job

JOB_TYPES: Final[dict[TransferKind, Callable[[Values], Job]]] = {
    TransferKind.IMPORT: ImportJob.from_row,
    TransferKind.EXPORT: ExportJob.from_row,
}


def to_job(row: Values) -> Job:
    """The job in a row, as its kind shows it."""
    return JOB_TYPES[TransferKind(row["kind"])](row)
