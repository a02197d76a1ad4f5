"""The subscription to a job."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry

from todo_gql.api.errors import BadUserInput
from todo_gql.api.node import parse_id
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.changelog import feed_registry
from todo_gql.changelog.positions import retry_until_available
from todo_gql.database.connection import fetchrow
from todo_gql.features.transfers.job_type import Job
from todo_gql.features.transfers.types import to_job
from todo_gql.features.transfers.watchers import SELECT, WatchedJobs
from todo_gql.operation.context import Context, Info
from todo_gql.security.authentication import Viewer


@strawberry.type
class TransferSubscription:
    """The subscription field of jobs."""

    @strawberry.subscription(
        description="A job of the viewer's: as it is now, and again whenever it has got further. Completes "
        "when the job has ended. BAD_USER_INPUT if there is no such job.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def job(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The job's id.")],
    ) -> AsyncGenerator[Job, None]:
        return _states(info.context, info.context.signed_in(), parse_id(id))


async def _states(
    context: Context, viewer: Viewer, job_id: UUID | None
) -> AsyncGenerator[Job, None]:
    watched = feed_registry.follower(WatchedJobs)
    read = partial(fetchrow, SELECT, viewer.id, job_id)
    if job_id is None or await retry_until_available(read) is None:
        raise BadUserInput("There is no such job of yours: ask `jobs` for their ids.")
    with watched.subscribed(viewer.id, job_id) as job:
        share = partial(job.shared, viewer)
        async with aclosing(job.states()) as states:
            async for row in states:
                context.begin_event(share)
                yield to_job(row)
