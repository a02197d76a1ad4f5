"""Changing the viewer's imports and exports."""

from typing import Annotated

import strawberry

from todo_gql.api.errors import not_found
from todo_gql.api.node import parse_id
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.transfers.writes import cancel_job
from todo_gql.operation.context import Info

JobId = Annotated[strawberry.ID, strawberry.argument(description="The job's id.")]


@strawberry.type
class TransferMutation:
    """The mutation fields of imports and exports."""

    @strawberry.field(
        description="Cancels a job: one that runs stops in a moment, and what it has done by then stays. One "
        "that has ended isn't changed, which is no error.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def job_cancel(self, info: Info, id: JobId) -> AcceptedPayload | None:
        viewer, job_id = info.context.signed_in(), parse_id(id)
        if job_id is None or not await cancel_job(viewer.id, job_id):
            return AcceptedPayload(ok=False, errors=[not_found("id")])
        return AcceptedPayload(ok=True)
