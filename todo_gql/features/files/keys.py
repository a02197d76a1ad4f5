"""Under which keys the store has the files of an attachment."""

from typing import Final
from uuid import UUID

THUMBNAIL_SIZES: Final = (320, 1_280)
"""The longest sides of thumbnails, in pixels."""

THUMBNAIL_TYPE: Final = "image/webp"


def original_key(attachment_id: UUID) -> str:
    """The key of the file as it was uploaded."""
    return f"{prefix(attachment_id)}/original"


def thumbnail_key(attachment_id: UUID, size: int) -> str:
    """The key of a thumbnail."""
    return f"{prefix(attachment_id)}/{size}"


def prefix(attachment_id: UUID) -> str:
    """What the keys of all files of an attachment begin with, before a slash; triggers know it, too."""
    return f"attachments/{attachment_id}"
