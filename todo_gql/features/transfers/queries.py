"""Reading the viewer's jobs."""

import strawberry

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import fetch
from todo_gql.features.transfers.access import JOB_COLUMNS, visible_jobs
from todo_gql.features.transfers.job_type import Job
from todo_gql.features.transfers.types import to_job
from todo_gql.operation.context import Info


@strawberry.type
class TransferQuery:
    """The query fields of imports and exports."""

    @strawberry.field(
        description="The viewer's imports and exports of the last week, at most 20, newest first.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def jobs(self, info: Info) -> list[Job]:
        statement = visible_jobs(info.context.signed_in())
        text = statement.select(JOB_COLUMNS, "j.created_at DESC, j.id DESC")
        return [to_job(row) for row in await fetch(text, *statement.values)]
