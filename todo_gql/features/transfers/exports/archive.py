"""The zip archive of an export, streamed while it is made."""

import zipfile
from collections.abc import AsyncIterator, Iterable
from typing import Final

from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.exporting.ical import ical_lines
from todo_gql.exporting.records import records_of
from todo_gql.exporting.taskwarrior import taskwarrior_lines
from todo_gql.exporting.todo_txt import todo_txt_lines
from todo_gql.features.transfers.exports.snapshot import (
    CHUNK_BYTES,
    FOLDER,
    Advance,
    Snapshot,
    history_lines,
)
from todo_gql.storage.store import FileMissing, FileStore

WRITERS: Final = {
    "todos.txt": todo_txt_lines,
    "tasks.taskwarrior.json": taskwarrior_lines,
    "todos.ics": ical_lines,
}
"""What makes the files of other programs from the lines."""


class _Buffer:
    """What an archive was written into and hasn't been sent yet; it can't be sought in."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def write(self, piece: bytes) -> int:
        """Add a piece."""
        self._pieces += piece
        return len(piece)

    def flush(self) -> None:
        """Do nothing: it is sent by whoever takes it."""

    def take(self, least: int = 1) -> bytes:
        """All there is, if it is as much as `least`; else nothing."""
        if len(self._pieces) < least:
            return b""
        pieces, self._pieces = bytes(self._pieces), bytearray()
        return pieces


async def archive_chunks(
    snapshot: Snapshot, store: FileStore | None, advance: Advance
) -> AsyncIterator[bytes]:
    """The archive of a snapshot in chunks, with attachments from the store; raises what `advance` does."""
    buffer = _Buffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload] # write and flush are all it needs
        async for chunk in _members(archive, buffer, snapshot, store, advance):
            yield chunk
    yield buffer.take()


async def _members(
    archive: zipfile.ZipFile,
    buffer: _Buffer,
    snapshot: Snapshot,
    store: FileStore | None,
    advance: Advance,
) -> AsyncIterator[bytes]:
    texts: list[tuple[str, AsyncIterator[bytes]]] = [
        ("data.jsonl", _sliced(snapshot.lines())),
        ("history.jsonl", history_lines(snapshot, advance)),
        *((name, _sliced(write(records_of(snapshot.lines())))) for name, write in WRITERS.items()),
    ]
    for name, lines in texts:
        with archive.open(_member(snapshot, name), "w", force_zip64=True) as member:
            async for piece in _joined(lines):
                member.write(piece)
                if chunk := buffer.take(CHUNK_BYTES):
                    yield chunk
    if store is None:
        return
    for attachment_id, path in snapshot.attachments:
        info = _member(snapshot, path, zipfile.ZIP_STORED)
        with archive.open(info, "w", force_zip64=True) as member:
            async for piece in _file(store, attachment_id):
                member.write(piece)
                if chunk := buffer.take(CHUNK_BYTES):
                    yield chunk
        snapshot.done += 1
        await advance(min(snapshot.done, snapshot.total), snapshot.total)


def _member(
    snapshot: Snapshot, name: str, compression: int = zipfile.ZIP_DEFLATED
) -> zipfile.ZipInfo:
    at = snapshot.exported_at
    info = zipfile.ZipInfo(
        f"{FOLDER}/{name}", (at.year, at.month, at.day, at.hour, at.minute, at.second)
    )
    info.compress_type = compression
    return info


async def _file(store: FileStore, attachment_id: str) -> AsyncIterator[bytes]:
    """The bytes of an attachment; none if it was deleted since the snapshot."""
    try:
        async for piece in store.read(f"attachments/{attachment_id}/original"):
            yield piece
    except FileMissing:
        return


async def _sliced(lines: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Lines that are made in time slices."""
    slices = TimeSlice(is_long=True)
    for line in lines:
        yield line
        await slices.checkpoint()


async def _joined(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines in pieces that are worth compressing at once."""
    pieces = bytearray()
    async for line in lines:
        pieces += line
        if len(pieces) >= CHUNK_BYTES:
            yield bytes(pieces)
            pieces.clear()
    if pieces:
        yield bytes(pieces)
