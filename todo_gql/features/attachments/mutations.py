"""Attaching files to todos; each field is one transaction."""

from typing import Annotated

import strawberry

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.attachments.finishing import finish_attachment
from todo_gql.features.attachments.types import AttachmentCreateInput, AttachmentPayload
from todo_gql.features.attachments.writes import create_attachment, delete_attachment
from todo_gql.operation.context import Info

AttachmentId = Annotated[strawberry.ID, strawberry.argument(description="The file's id.")]


@strawberry.type
class AttachmentMutation:
    """The mutation fields of files."""

    @strawberry.mutation(
        description="Announces a file of a todo, of 20 at most: send its bytes to `upload`, then call "
        "attachmentFinish. A todo's owner may, and members who may change its list.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def attachment_create(
        self,
        info: Info,
        todo_id: Annotated[strawberry.ID, strawberry.argument(description="The todo's id.")],
        input: Annotated[AttachmentCreateInput, strawberry.argument(description="The file.")],
    ) -> AttachmentPayload | None:
        return await create_attachment(info, todo_id, input)

    @strawberry.mutation(
        description="Says that the bytes of a file are uploaded. They are checked: a picture is SCANNING "
        "until it has thumbnails, others are READY at once unless there is a scanner for viruses. Calling it "
        "again answers what became of the file.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def attachment_finish(self, info: Info, id: AttachmentId) -> AttachmentPayload | None:
        return await finish_attachment(info, id)

    @strawberry.mutation(
        description="Deletes a file; that of a comment by the comment's author or a MANAGER.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def attachment_delete(self, info: Info, id: AttachmentId) -> AcceptedPayload | None:
        errors = await delete_attachment(info, id)
        return AcceptedPayload(ok=not errors, errors=errors)
