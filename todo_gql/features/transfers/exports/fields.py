"""The fields of Mutation for exports."""

from typing import Annotated
from uuid import UUID

import orjson
import strawberry
from uuid_utils.compat import uuid7

from todo_gql.api.errors import invalid
from todo_gql.api.text import Problem
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Row
from todo_gql.database.models import TransferKind
from todo_gql.database.retry import retried
from todo_gql.features.transfers.exports.types import ExportJob, ExportPayload
from todo_gql.features.transfers.watchers import announce
from todo_gql.features.transfers.writes import create_job, locked_jobs, start_job
from todo_gql.operation.context import Context, Info


@strawberry.type
class ExportMutation:
    """The mutation fields of exports."""

    @strawberry.field(
        description="Has a worker export everything that is the viewer's own: lists, todos with comments and "
        "reminders, the trash, tags, saved views, preferences, webhooks and tokens without their secrets, and the "
        "history. One job of an account runs at a time.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def export_create(
        self,
        info: Info,
        with_files: Annotated[
            bool, strawberry.argument(description="Whether the files of todos are in it, too.")
        ] = False,
    ) -> ExportPayload | None:
        return await _create(info.context, with_files=with_files)


class _Refused(Exception):
    """No export is made; rolls back what was written for one."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


async def _create(context: Context, *, with_files: bool) -> ExportPayload:
    viewer = context.signed_in()
    input = orjson.dumps({"withFiles": with_files}).decode()
    try:
        row = await _started(viewer.id, input)
    except _Refused as refused:
        return ExportPayload(errors=[invalid(*refused.problem)])
    announce(row["id"])
    return ExportPayload(job=ExportJob.from_row(row))


@retried
async def _started(owner_id: UUID, input: str) -> Row:
    """A new export, for which a job is in the queue; raises `_Refused`."""
    async with locked_jobs(owner_id):
        created = await create_job(owner_id, uuid7(), TransferKind.EXPORT, input=input)
        if not isinstance(created, Row):
            raise _Refused(created)
        started = await start_job(created)
        if not isinstance(started, Row):
            raise _Refused(started)
        return started
