"""Where clients send the bytes of a file."""

from datetime import datetime

import strawberry

from todo_gql.storage.store import UploadURL


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
