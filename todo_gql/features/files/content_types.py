"""What a file is, told by its first bytes and never by what a client says."""

import codecs
from typing import Final

HEAD_BYTES: Final = 4_096
"""How many of the first bytes are looked at."""

UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"
# Marks at a place, by what they mean; those of pictures are the only ones that are ever shown in a page.
IMAGE_MARKS: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypavis", "image/avif"),
)
OTHER_MARKS: Final = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (4, b"ftyp", "video/mp4"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "application/ogg"),
    (8, b"WAVE", "audio/wav"),
)
IMAGE_TYPES: Final = frozenset(name for _, _, name in IMAGE_MARKS)
TEXT_CONTROLS: Final = frozenset(b"\t\n\f\r\x1b")


def content_type_of(head: bytes) -> str:
    """The media type of a file by its first HEAD_BYTES; text of any language is `text/plain`."""
    for offset, mark, name in (*IMAGE_MARKS, *OTHER_MARKS):
        if head.startswith(mark, offset) and (
            offset != len(b"RIFF....") or head.startswith(b"RIFF")
        ):
            return name
    return TEXT if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    if not head or any(byte < ord(" ") and byte not in TEXT_CONTROLS for byte in head):
        return False
    try:
        # The last character may go on behind the head.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return True
