"""What the mutations of files take and answer."""

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.features.attachments.upload_target import UploadTarget
from todo_gql.features.files.types import Attachment
from todo_gql.features.todos.comparators import optional


@strawberry.input(description="A file to be uploaded.")
class AttachmentCreateInput:
    """What is announced of a file."""

    file_name: str = strawberry.field(
        description="1 to 255 bytes in UTF-8 after trimming, without slashes and control characters."
    )
    size: int = strawberry.field(description="Its bytes, 25 MiB at most.")
    content_type: str = strawberry.field(
        description="What the client takes it for, such as `image/png`; may be empty. The server looks "
        "at the bytes."
    )
    sha256: str = strawberry.field(
        description="The SHA-256 hash of its bytes: 64 hexadecimal digits."
    )
    id: strawberry.ID | None = optional(
        "A UUID made by the client, so that a retry announces nothing twice."
    )


@strawberry.type(description="What became of a file.")
class AttachmentPayload:
    """The answer of a mutation of one file."""

    attachment: Attachment | None = strawberry.field(
        description="The file as it is now; null if there is none.", default=None
    )
    upload: UploadTarget | None = strawberry.field(
        description="Where its bytes are awaited; null if they aren't.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
