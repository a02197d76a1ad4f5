"""Reading all of a person's things as they are at one moment, into a file."""

import gzip
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Final
from uuid import UUID

import orjson

from todo_gql.database.connection import Connection, acquire, fetch
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.redaction import redacted
from todo_gql.features.transfers.exports.lines import change_line, footer, header, row_line
from todo_gql.features.transfers.exports.statements import CHANGES, NUMBERS, ROWS
from todo_gql.security.authentication import Viewer
from todo_gql.security.memberships import Membership

BATCH_SIZE: Final = 1_000
CHUNK_BYTES: Final = 64 * 1024

# A cursor's first rows may have to be sorted before they come.
NO_LIMIT: Final = "SET LOCAL statement_timeout = 0"

FOLDER: Final = "todo_gql-export"
FILES: Final = "files"
"""Where attachments are in the folder."""

Advance = Callable[[int, int], Awaitable[None]]
"""Notes how many of how many things are done; raises what ends the export."""


@dataclass
class Snapshot:
    """What a person has at a moment; `data` is compressed, in a temporary file."""

    data: IO[bytes]
    exported_at: datetime
    viewer: Viewer
    last_change: int
    total: int
    counts: Counter[str] = field(default_factory=Counter)
    done: int = 0

    def lines(self) -> Iterator[bytes]:
        """The lines of `data.jsonl`, from the first one on."""
        self.data.seek(0)
        with gzip.GzipFile(fileobj=self.data) as text:
            yield from text

    @property
    def attachments(self) -> Iterator[tuple[str, str]]:
        """The id and the path in the archive of each attachment."""
        for text in self.lines():
            if b'"path":"' in text:
                for one in orjson.loads(text).get("files", ()):
                    yield one["id"], one["path"]


@contextmanager
def temporary_file() -> Iterator[IO[bytes]]:
    """A file without a name, which is gone after the block."""
    with TemporaryFile() as file:
        yield file


async def read_snapshot(
    owner_id: UUID, now: datetime, data: IO[bytes], advance: Advance, *, with_files: bool
) -> Snapshot:
    """Read all that is a person's own into a file, as it is at one moment; raises what `advance` does.

    The transaction waits for nothing but the database and the file.
    """
    async with (
        acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(NO_LIMIT)
        numbers = await connection.fetchrow(NUMBERS, owner_id)
        if numbers is None:
            raise LookupError(f"There is no account {owner_id}.")
        files = numbers["files"] if with_files else 0
        membership = Membership(is_member=numbers["is_member"], has_company=True)
        snapshot = Snapshot(
            data,
            now,
            Viewer(
                owner_id, owner_id, numbers["username"], is_superuser=False, membership=membership
            ),
            numbers["seq"],
            total=numbers["todos"] + numbers["seq"] + files,
        )
        folder = FILES if with_files else None
        with gzip.GzipFile(fileobj=data, mode="wb", compresslevel=1) as text:
            text.write(header("data", now))
            await _write_rows(connection, snapshot, text, advance, folder)
            text.write(footer(snapshot.counts))
    return snapshot


async def _write_rows(
    connection: Connection,
    snapshot: Snapshot,
    text: gzip.GzipFile,
    advance: Advance,
    folder: str | None,
) -> None:
    slices = TimeSlice(is_long=True)
    for type_, statement in ROWS.items():
        async for row in connection.cursor(statement, snapshot.viewer.id, prefetch=BATCH_SIZE):
            text.write(row_line(type_, row, folder))
            snapshot.counts[type_] += 1
            if type_ == "todo":
                snapshot.done += 1
                if snapshot.done % BATCH_SIZE == 0:
                    await advance(snapshot.done, snapshot.total)
            await slices.checkpoint()
    await advance(snapshot.done, snapshot.total)


async def history_lines(snapshot: Snapshot, advance: Advance) -> AsyncIterator[bytes]:
    """The lines of `history.jsonl` up to the snapshot's moment, as their owner may see them now."""
    slices, last, counts = TimeSlice(is_long=True), 0, Counter[str]()
    yield header("history", snapshot.exported_at)
    values = snapshot.viewer.id, snapshot.last_change
    while rows := await fetch(CHANGES, values[0], last, values[1], BATCH_SIZE):
        for row in await redacted(snapshot.viewer, rows):
            yield change_line(row)
            await slices.checkpoint()
        counts["change"] += len(rows)
        last = rows[-1]["seq"]
        snapshot.done += len(rows)
        await advance(min(snapshot.done, snapshot.total), snapshot.total)
    yield footer(counts)
