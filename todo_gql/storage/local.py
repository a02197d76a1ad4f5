"""Files on a local disk, sent and read over this server's own links."""

import asyncio
import io
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Final, Self

from todo_gql.storage.links import FILES_PATH, DownloadLink, LinkSigner, UploadLink
from todo_gql.storage.store import (
    DOWNLOAD_SECONDS,
    KEY,
    PREFIX,
    UPLOAD_SECONDS,
    FileMissing,
    Upload,
    UploadURL,
)

CHUNK_BYTES: Final = 256 * 1024
# What a client sends comes in pieces of a few kilobytes; each write is a job for a thread.
BUFFER_BYTES: Final = 256 * 1024
PARTIAL: Final = "partial-"


class UploadRefused(ValueError):
    """What was sent isn't what the link allows; the message says what differs."""


class LocalStore:
    """Files below a folder: whole or not at all, on the disk before they count as stored.

    `base_url` is where clients reach this server. All replicas have to share the folder.
    """

    def __init__(self, folder: Path, base_url: str, key: bytes) -> None:
        self.folder = folder.resolve()
        self.base_url = base_url
        self.signer = LinkSigner(key)

    def upload_url(self, key: str, upload: Upload) -> UploadURL:
        """Where a client uploads a file; another size, content or type is refused."""
        expires_at = int(time.time()) + UPLOAD_SECONDS
        link = UploadLink(key, upload.size, upload.sha256.hex(), upload.content_type, expires_at)
        return UploadURL(
            url=self._url(link),
            method="PUT",
            headers={"Content-Type": upload.content_type},
            expires_at=datetime.fromtimestamp(expires_at, UTC),
        )

    def download_url(self, key: str, *, file_name: str, content_type: str, inline: bool) -> str:
        """Where a client reads a file for 5 minutes, under this name and type."""
        expires_at = int(time.time()) + DOWNLOAD_SECONDS
        return self._url(DownloadLink(key, file_name, content_type, inline, expires_at))

    def path(self, key: str) -> Path:
        """Where a file is, if it is there; raises `ValueError` for what is no key."""
        if not KEY.fullmatch(key):
            raise ValueError("this is no key of a file")
        return self.folder / key

    async def size(self, key: str) -> int:
        """The size of a file in bytes; raises `FileMissing`."""
        try:
            return (await asyncio.to_thread(os.stat, self.path(key))).st_size
        except FileNotFoundError:
            raise FileMissing(key) from None

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """A file's bytes in chunks; raises `FileMissing`."""
        try:
            file = await asyncio.to_thread(self.path(key).open, "rb")
        except FileNotFoundError:
            raise FileMissing(key) from None
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk

    async def write(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> int:  # noqa: ARG002 - links say the type
        """Store a file whole or not at all, over what is there; its size in bytes."""
        async with _NewFile(self.path(key)) as new:
            async for chunk in chunks:
                await new.write(chunk)
            await new.commit()
            return new.size

    async def write_upload(self, link: UploadLink, chunks: AsyncIterator[bytes]) -> None:
        """Store what a client sends; raises `UploadRefused` unless it is what the link allows."""
        async with _NewFile(self.path(link.key)) as new:
            async for chunk in chunks:
                if new.size + len(chunk) > link.size:
                    raise UploadRefused(f"There are more than the {link.size:,} bytes announced.")
                await new.write(chunk)
            if new.size < link.size:
                raise UploadRefused(
                    f"These are {new.size:,} bytes, not {link.size:,} as announced."
                )
            await new.flush()
            if new.hash.hexdigest() != link.sha256:
                raise UploadRefused("The SHA-256 hash of the bytes isn't the one announced.")
            await new.commit()

    async def delete(self, prefix: str) -> None:
        """Delete every file whose key begins with `prefix/`, unfinished ones too; there may be none."""
        if not PREFIX.fullmatch(prefix):
            raise ValueError("this is no prefix of keys")
        with suppress(FileNotFoundError):
            await asyncio.to_thread(shutil.rmtree, self.folder / prefix)

    def _url(self, link: UploadLink | DownloadLink) -> str:
        return f"{self.base_url}{FILES_PATH}{self.signer.token(link)}"


class _NewFile:
    """A file beside the one that it replaces once it is whole, and on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(f"{PARTIAL}{token_hex(8)}")
        self.size = 0
        self.hash = sha256()
        self._buffer = bytearray()

    async def __aenter__(self) -> Self:
        self._file = await asyncio.to_thread(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        # Cancelled or not, nothing unfinished stays.
        self._file.close()
        self.partial.unlink(missing_ok=True)

    async def write(self, chunk: bytes) -> None:
        """Add bytes, which are written many at a time."""
        self.size += len(chunk)
        self._buffer += chunk
        if len(self._buffer) >= BUFFER_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write what is buffered; `hash` is that of all bytes then."""
        buffer, self._buffer = self._buffer, bytearray()
        await asyncio.to_thread(self._append, buffer)

    async def commit(self) -> None:
        """Put the file where it belongs; `OSError` if it can't be stored for good."""
        await self.flush()
        await asyncio.to_thread(self._replace)

    def _open(self) -> io.FileIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return io.FileIO(self.partial, "xb")

    def _append(self, content: bytearray) -> None:
        self.hash.update(content)
        view = memoryview(content)
        while view:
            view = view[self._file.write(view) :]

    def _replace(self) -> None:
        os.fsync(self._file.fileno())
        self.partial.replace(self.path)
        # The name has to last as well, and so do the folders that may be new.
        for folder in self.path.parents[:3]:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
