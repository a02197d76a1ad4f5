"""Changing the viewer's imports and exports."""

from typing import Annotated

import strawberry

from todo_gql.api.errors import not_found
from todo_gql.api.node import parse_id
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.transfers.import_inputs import ImportInput
from todo_gql.features.transfers.import_types import ImportPayload
from todo_gql.features.transfers.import_writes import create_import, start_import
from todo_gql.features.transfers.writes import cancel_job
from todo_gql.operation.context import Info

JobId = Annotated[strawberry.ID, strawberry.argument(description="The job's id.")]


@strawberry.type
class TransferMutation:
    """The mutation fields of imports and exports."""

    @strawberry.field(
        description="Announces a file to be imported, and answers where to send it. `importStart` comes next.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def import_create(
        self,
        info: Info,
        input: Annotated[ImportInput, strawberry.argument(description="The file.")],
    ) -> ImportPayload | None:
        return await create_import(info.context, input)

    @strawberry.field(
        description="Imports the file once it is uploaded. What was imported before, by this import or "
        "another one of the same source, isn't imported again, though it be deleted here. One job of a "
        "person runs at a time.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def import_start(
        self,
        info: Info,
        id: JobId,
        is_trial: Annotated[
            bool,
            strawberry.argument(
                description="Only report what would be done; it may be started again, in earnest."
            ),
        ] = False,
    ) -> ImportPayload | None:
        return await start_import(info.context, id, is_trial=is_trial)

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
