"""Imports and their reports, as the schema shows them."""

from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from todo_gql.api.connections import Connection, PageArguments, ParentPage
from todo_gql.api.errors import ErrorCode, UserError
from todo_gql.api.node import Node
from todo_gql.api.page_arguments import After, FirstOrDefault
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Values
from todo_gql.execution import RowType
from todo_gql.features.attachments.upload_target import UploadTarget
from todo_gql.features.transfers.enums import FORMATS, ImportFormat
from todo_gql.features.transfers.job_type import Job, job_values
from todo_gql.features.transfers.loaders import (
    IN_ORDER,
    problem_counts_by_job_id,
    problem_pages_by_job_id,
)
from todo_gql.operation.context import Context, Info


@strawberry.type(
    description="What of a file isn't imported, or not as it was. `isLoss`: it belongs to a todo that is "
    "imported, and has no home here, so that its text was appended to the todo's description."
)
class ImportProblem:
    """A row of import_problems."""

    place: str = strawberry.field(description="Where in the file, such as `line 12`.")
    title: str | None = strawberry.field(description="The title or name of what is concerned.")
    code: ErrorCode = strawberry.field(description="What is wrong, for programs.")
    message: str = strawberry.field(description="What is wrong, in English.")
    is_loss: bool = strawberry.field(
        description="Whether the todo is imported nevertheless, with this in its description."
    )


PROBLEMS: Final = RowType(
    ImportProblem,
    place="location",
    title="title",
    code=lambda row: ErrorCode[row["code"]],
    message="message",
    is_loss="is_loss",
)


@strawberry.type(name="ImportProblemConnection", description="A page of an import's problems.")
class ImportProblemConnection(Connection[ImportProblem]):
    """Problems of one import, in the order in which they were met."""

    count: strawberry.Private[Any]

    def _count(self, info: Info) -> Any:
        return self.count(info.context)

    total_count: int = strawberry.field(
        resolver=_count, graphql_type=int, description="All problems, whatever the page."
    )


def _problem_count(job_id: UUID, context: Context) -> Any:
    return context.loader(problem_counts_by_job_id).load(job_id)


@strawberry.type(
    description="An import of a file. It waits for its file and for `importStart`; a trial run can be "
    "followed by a real one."
)
class ImportJob(Job, Node):
    """A row of transfer_jobs whose kind is IMPORT."""

    format: ImportFormat = strawberry.field(
        description="What the file is written in. If it wasn't said, its name's suggestion until it was read."
    )
    is_trial: bool = strawberry.field(
        description="Whether the last run was, or is, one that only reports what a real one would do."
    )
    counts: JSON = strawberry.field(
        description="How many `lists`, `sections`, `todos`, `reminders`, `comments` and `attachments` it has "
        "imported, or a trial run would have; how many things were `alreadyImported` before, deleted ones "
        "included; and how many were `skipped`, each with a problem."
    )
    key: strawberry.Private[UUID]

    @strawberry.field(
        description="What couldn't be imported as it was, in the file's order.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def problems(
        self, info: Info, first: FirstOrDefault = UNSET, after: After = UNSET
    ) -> ImportProblemConnection:
        arguments = PageArguments.of(first, after)
        key = ParentPage.of(self.key, arguments, IN_ORDER)
        page = await info.context.loader(problem_pages_by_job_id).load(key)
        count = partial(_problem_count, self.key)
        return ImportProblemConnection(page=page, nodes=PROBLEMS.objects(page.rows), count=count)

    @classmethod
    def from_row(cls, row: Values) -> "ImportJob":
        """The import in a row."""
        return cls(
            **job_values(row),
            format=FORMATS[row["format"]],
            is_trial=row["is_trial"],
            counts=orjson.loads(row["counts"]),
            key=row["id"],
        )


@strawberry.type(description="What became of an import.")
class ImportPayload:
    """The answer of a mutation of one import."""

    job: ImportJob | None = strawberry.field(
        description="The import as it is now; null if there is none.", default=None
    )
    upload: UploadTarget | None = strawberry.field(
        description="Where to send the file, once; null after `importStart`.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
