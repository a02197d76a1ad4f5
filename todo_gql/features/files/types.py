"""Files of todos as the schema shows them."""

import json
from datetime import datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry

from todo_gql.api.node import Node
from todo_gql.database.connection import Values
from todo_gql.database.models import AttachmentState as StoredState
from todo_gql.execution import ConvertedColumn, RowType, loaded_field
from todo_gql.features.accounts.loaders import users_by_id
from todo_gql.features.accounts.types import User, user_or_none
from todo_gql.features.files.content_types import IMAGE_TYPES
from todo_gql.features.files.keys import THUMBNAIL_TYPE, original_key, thumbnail_key
from todo_gql.operation.context import Info, loader_of
from todo_gql.storage.stores import file_store


@strawberry.enum(description="How far a file has come.")
class AttachmentState(Enum):
    """The model's states, by their names."""

    UPLOADING = strawberry.enum_value(
        StoredState.UPLOADING.value,
        description="Its bytes are awaited, for 24 hours; only its uploader sees it.",
    )
    SCANNING = strawberry.enum_value(
        StoredState.SCANNING.value,
        description="The server looks for viruses, and makes the thumbnails of a picture.",
    )
    READY = strawberry.enum_value(StoredState.READY.value, description="It can be downloaded.")
    REFUSED = strawberry.enum_value(
        StoredState.REFUSED.value,
        description="It can't be downloaded; only its uploader sees it, for 24 hours.",
    )


STATES = tuple(AttachmentState)


@strawberry.type(description="A file of a todo or of a comment on it; all who see the todo see it.")
class Attachment(Node):
    """A row of attachments."""

    file_name: str = strawberry.field(description="The name that it is saved under.")
    size: int = strawberry.field(description="Its bytes.")
    content_type: str = strawberry.field(
        description="What its bytes are, once it is READY, as far as the server knows them; before, what "
        "the client said."
    )
    sha256: str = strawberry.field(description="The SHA-256 hash of its bytes, in hexadecimal.")
    state: AttachmentState = strawberry.field(description="How far it has come.")
    refused_because: str | None = strawberry.field(
        description="Why it is REFUSED, in English; null in every other state."
    )
    width: int | None = strawberry.field(
        description="Pixels of a picture, as it is shown; null of everything else."
    )
    height: int | None = strawberry.field(
        description="Pixels of a picture, as it is shown; null of everything else."
    )
    created_at: datetime = strawberry.field(description="When it was announced.")
    key: strawberry.Private[UUID]
    uploader_key: strawberry.Private[UUID | None]
    thumbnail_sizes: strawberry.Private[Any]

    uploaded_by: User | None = loaded_field(
        loader_of(users_by_id),
        by="uploader_key",
        make=user_or_none,
        description="Who uploaded it; null if the account is gone, or the viewer can't see it.",
    )

    @classmethod
    def from_row(cls, row: Values) -> "Attachment":
        """The file in a row."""
        return ATTACHMENTS.lazy(row)

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture that browsers show, and that the server could read whole."""
        return self.width is not None and self.content_type in IMAGE_TYPES

    @strawberry.field(
        description="Where it can be read for 5 minutes, without signing in: shown if it is a picture, "
        "else saved. Null unless it is READY."
    )
    def url(self, info: Info) -> str | None:
        if self.state is not AttachmentState.READY:
            return None
        return file_store(info.context.settings).download_url(
            original_key(self.key),
            file_name=self.file_name,
            content_type=self.content_type,
            inline=self.is_picture,
        )

    @strawberry.field(
        description="Where a smaller WebP of a picture can be read for 5 minutes; null of everything else."
    )
    def thumbnail_url(
        self,
        info: Info,
        size: Annotated[
            int,
            strawberry.argument(
                description="The longest side in pixels that is needed: 320 and 1,280 there are; of these "
                "the smallest that is as long, or else the longest."
            ),
        ] = 320,
    ) -> str | None:
        sizes = sorted(json.loads(self.thumbnail_sizes))
        if self.state is not AttachmentState.READY or not sizes:
            return None
        chosen = next((each for each in sizes if each >= size), sizes[-1])
        return file_store(info.context.settings).download_url(
            thumbnail_key(self.key, chosen),
            file_name=f"{self.file_name}.webp",
            content_type=THUMBNAIL_TYPE,
            inline=True,
        )


ATTACHMENTS = RowType(
    Attachment,
    id=ConvertedColumn("id", str),
    file_name="file_name",
    size="size",
    content_type="content_type",
    sha256=ConvertedColumn("sha256", bytes.hex),
    state=ConvertedColumn("state", STATES.__getitem__),
    refused_because="refused_because",
    width="width",
    height="height",
    created_at="created_at",
    key="id",
    uploader_key="uploaded_by_id",
    thumbnail_sizes="thumbnail_sizes",
)
