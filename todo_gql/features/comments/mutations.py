"""Writing and changing comments; each field is one transaction."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.comments.types import CommentCreateInput, CommentPayload
from todo_gql.features.comments.writes import create_comment, delete_comment, update_comment
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.operation.context import Info

CommentId = Annotated[strawberry.ID, strawberry.argument(description="The comment's id.")]
ExpectedVersion = Annotated[
    int | None,
    strawberry.argument(
        description="Its version as the client knows it; with another one nothing is changed."
    ),
]


@strawberry.type
class CommentMutation:
    """The mutation fields of comments."""

    @strawberry.mutation(
        description="Writes a comment on a todo: its owner, and members who may change its list.",
        metadata=scoped(TokenScope.COMMENTS_WRITE, lists=True),
    )
    async def comment_create(
        self,
        info: Info,
        todo_id: Annotated[strawberry.ID, strawberry.argument(description="The todo's id.")],
        input: Annotated[CommentCreateInput, strawberry.argument(description="Its values.")],
        dry_run: Annotated[
            bool, strawberry.argument(description="Tell what would happen, and write nothing.")
        ] = False,
    ) -> CommentPayload | None:
        return await create_comment(info, todo_id, input, dry_run=dry_run)

    @strawberry.mutation(
        description="Replaces the words of a comment, by its author alone. Whom it mentions for the first "
        "time is notified.",
        metadata=scoped(TokenScope.COMMENTS_WRITE, lists=True),
    )
    async def comment_update(
        self,
        info: Info,
        id: CommentId,
        body: Annotated[
            str, strawberry.argument(description="Markdown of 1 to 10,000 characters.")
        ],
        expected_version: ExpectedVersion = UNSET,
    ) -> CommentPayload | None:
        version = unset_to_none(expected_version)
        return await update_comment(info, id, body, version)

    @strawberry.mutation(
        description="Deletes the words of a comment, by its author or a MANAGER; it stays where it was, "
        "empty.",
        metadata=scoped(TokenScope.COMMENTS_WRITE, lists=True),
    )
    async def comment_delete(
        self, info: Info, id: CommentId, expected_version: ExpectedVersion = UNSET
    ) -> CommentPayload | None:
        version = unset_to_none(expected_version)
        return await delete_comment(info, id, version)
