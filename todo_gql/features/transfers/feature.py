"""What imports and exports bring to the parts of the program that all features share."""

from todo_gql.api.token_scopes import TokenScope
from todo_gql.database import models
from todo_gql.features.feature import Feature, NodeType, Table
from todo_gql.features.transfers.access import JOB_COLUMNS, visible_exports, visible_imports
from todo_gql.features.transfers.exports.types import ExportJob
from todo_gql.features.transfers.import_types import ImportJob
from todo_gql.features.transfers.loaders import problem_counts_by_job_id, problem_pages_by_job_id
from todo_gql.features.transfers.tasks import tasks

TRANSFERS = Feature(
    name="transfers",
    tables=(
        Table(models.ImportProblem, owner="owner_id", is_large=True),
        Table(models.ImportedItem, owner="owner_id", is_large=True),
        Table(models.TransferJob, owner="owner_id", is_large=False),
    ),
    loaders=(problem_pages_by_job_id, problem_counts_by_job_id),
    node_types=(
        NodeType(
            type=ImportJob,
            scope=TokenScope.TRANSFER,
            visible=visible_imports,
            columns=JOB_COLUMNS,
            make=lambda row, _context: ImportJob.from_row(row),
        ),
        NodeType(
            type=ExportJob,
            scope=TokenScope.TRANSFER,
            visible=visible_exports,
            columns=JOB_COLUMNS,
            make=lambda row, _context: ExportJob.from_row(row),
        ),
    ),
    tasks=tasks,
)
