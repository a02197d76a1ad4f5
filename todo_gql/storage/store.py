"""What every store of files does."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

UPLOAD_SECONDS: Final = 15 * 60
"""How long an upload may be begun and, on a local disk, ended."""

DOWNLOAD_SECONDS: Final = 5 * 60
"""How long a file can be read under a URL."""

PREFIX: Final = re.compile("[a-z_]+/[0-9a-f-]{36}")
KEY: Final = re.compile("[a-z_]+/[0-9a-f-]{36}/[a-z0-9]+")


class FileMissing(LookupError):
    """The store has no file under this key."""


@dataclass(frozen=True, slots=True)
class UploadURL:
    """Where a client sends a file's bytes, by which method and with which headers."""

    url: str
    method: str
    headers: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """What is to be uploaded: `size` in bytes, and the SHA-256 hash of the content."""

    size: int
    sha256: bytes
    content_type: str


class FileStore(Protocol):
    """Files by keys such as `attachments/<id>/original`.

    Errors of the network or disk are `OSError`s; a key that isn't there raises `FileMissing`.
    """

    def upload_url(self, key: str, upload: Upload) -> UploadURL:
        """Where a client uploads a file; the store refuses another size or content as far as it can."""

    def download_url(self, key: str, *, file_name: str, content_type: str, inline: bool) -> str:
        """Where a client reads a file for 5 minutes, under this name and type."""

    async def size(self, key: str) -> int:
        """The size of a file in bytes."""

    def read(self, key: str) -> AsyncIterator[bytes]:
        """A file's bytes in chunks."""

    async def write(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> int:
        """Store a file whole or not at all, over what is there; its size in bytes."""

    async def delete(self, prefix: str) -> None:
        """Delete every file whose key begins with `prefix/`; there may be none."""
