"""What the mutations of files take and answer."""

from datetime import datetime

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.features.files.types import Attachment
from todo_gql.features.todos.comparators import optional
from todo_gql.storage.store import UploadURL


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


@strawberry.type(description="A header of an upload.")
class UploadHeader:
    """A name and a value."""

    name: str = strawberry.field(description="The header's name.")
    value: str = strawberry.field(description="Its value.")


@strawberry.type(description="Where to send the bytes, once, with these headers.")
class UploadTarget:
    """A signed URL of the store of files."""

    url: str = strawberry.field(description="A URL that needs no signing in; treat it as a secret.")
    method: str = strawberry.field(description="The HTTP method.")
    headers: list[UploadHeader] = strawberry.field(
        description="Headers to send, all of them, beside Content-Length."
    )
    expires_at: datetime = strawberry.field(description="Until when the upload may begin.")

    @classmethod
    def of(cls, upload: UploadURL) -> "UploadTarget":
        """An upload as clients see it."""
        headers = [UploadHeader(name=name, value=value) for name, value in upload.headers.items()]
        return cls(
            url=upload.url, method=upload.method, headers=headers, expires_at=upload.expires_at
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
