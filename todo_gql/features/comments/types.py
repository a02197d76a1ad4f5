"""What the mutations of comments take and answer."""

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.features.todos.comparators import optional
from todo_gql.features.todos.types import Comment


@strawberry.input(description="A comment to be written.")
class CommentCreateInput:
    """The values of a new comment."""

    body: str = strawberry.field(
        description="Markdown of 1 to 10,000 characters; `@[name](user:UUID)` outside code mentions a "
        "member of the list, 20 at most."
    )
    id: strawberry.ID | None = optional(
        "A UUID made by the client, so that a retry writes nothing twice."
    )
    attachment_ids: list[strawberry.ID] | None = optional(
        "Files of the todo that the viewer has uploaded and finished, 10 at most, to be this comment's."
    )


@strawberry.type(description="What became of a comment.")
class CommentPayload:
    """The answer of a mutation of one comment."""

    comment: Comment | None = strawberry.field(
        description="The comment as it is now; null if there is none.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
