"""The iCalendar document of a feed (RFC 5545 and 7986): each occurrence is an event or a task of its own."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from todo_gql.database.models import Priority, Status
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.exporting.calendar_values import PRIORITIES, TODO_STATUSES, percent_complete
from todo_gql.exporting.content_lines import (
    day_value,
    folded,
    minutes_value,
    moment_value,
    on_line,
    text_value,
)
from todo_gql.features.calendar_feeds.entries import MAX_ENTRIES, Entries, Entry
from todo_gql.features.calendar_feeds.reading import MAX_DESCRIPTION, OpenFeed

PRODUCT: Final = "-//todo_gql//todo_gql//EN"
DEFAULT_NAME: Final = "Todos"
REFRESH_INTERVAL: Final = "PT1H"
CHUNK_BYTES: Final = 32 * 1024
"""What is compressed at once: a millisecond of work."""

DONE_MARK: Final = "✓ "
"""What the titles of done todos begin with in events, which have no status for it."""


async def calendar_document(feed: OpenFeed, entries: Entries) -> AsyncIterator[bytes]:
    """The document in chunks."""
    slices, chunk = TimeSlice(), bytearray()
    chunk += _encoded(_head(feed, is_whole=entries.is_whole))
    lines = _event if feed.as_events else _task
    for entry in entries.entries:
        await slices.checkpoint()
        chunk += _encoded(lines(entry))
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk) + folded("END:VCALENDAR")


def _encoded(lines: Iterator[str]) -> bytes:
    return b"".join(map(folded, lines))


def _head(feed: OpenFeed, *, is_whole: bool) -> Iterator[str]:
    name = text_value(feed.label or DEFAULT_NAME)
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield f"PRODID:{PRODUCT}"
    yield "CALSCALE:GREGORIAN"
    yield f"NAME:{name}"
    yield f"X-WR-CALNAME:{name}"
    if not is_whole:
        text = text_value(f"The {MAX_ENTRIES:,} entries nearest to today. There are more todos.")
        yield f"DESCRIPTION:{text}"
        yield f"X-WR-CALDESC:{text}"
    yield f"X-WR-TIMEZONE:{feed.clock.zone_name or 'UTC'}"
    yield f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH_INTERVAL}"
    yield f"X-PUBLISHED-TTL:{REFRESH_INTERVAL}"


def _event(entry: Entry) -> Iterator[str]:
    row = entry.row
    status, minutes = Status(row["status"]), row["estimated_minutes"]
    yield "BEGIN:VEVENT"
    yield from _common(entry, DONE_MARK if status is Status.COMPLETED else "")
    yield on_line("DTSTART", entry.due)
    if minutes and isinstance(entry.due, datetime):
        yield f"DURATION:{minutes_value(minutes)}"
    yield f"STATUS:{'CANCELLED' if status is Status.CANCELLED else 'CONFIRMED'}"
    # A todo is no reason to be busy.
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _task(entry: Entry) -> Iterator[str]:
    row = entry.row
    status = Status(row["status"])
    yield "BEGIN:VTODO"
    yield from _common(entry, "")
    if (start := _start(entry)) is not None:
        yield start
    yield on_line("DUE", entry.due)
    yield f"STATUS:{TODO_STATUSES[status]}"
    if row["completed_at"]:
        yield f"COMPLETED:{moment_value(row['completed_at'])}"
    subtasks = (0, 0)
    if entry.occurrence is None:
        subtasks = row["completed_subtask_count"], row["subtask_count"]
    if (percent := percent_complete(status, *subtasks)) is not None:
        yield f"PERCENT-COMPLETE:{percent}"
    yield "END:VTODO"


def _common(entry: Entry, mark: str) -> Iterator[str]:
    row = entry.row
    yield f"UID:{uid_of(entry)}"
    yield f"DTSTAMP:{moment_value(row['updated_at'])}"
    yield f"CREATED:{moment_value(row['created_at'])}"
    yield f"LAST-MODIFIED:{moment_value(row['updated_at'])}"
    yield f"SEQUENCE:{row['version']}"
    yield f"SUMMARY:{mark}{text_value(row['title'])}"
    # Of a todo that repeats, one of hundreds says what it is about.
    if row["description"] and entry.occurrence is None:
        yield f"DESCRIPTION:{text_value(_shortened(row['description']))}"
    yield f"PRIORITY:{PRIORITIES[Priority(row['priority'])]}"


def uid_of(entry: Entry) -> str:
    """The id of the todo, and of a later occurrence its day behind it: no two of a document are equal."""
    todo_id: UUID = entry.row["id"]
    return f"{todo_id}-{day_value(entry.occurrence)}" if entry.occurrence else str(todo_id)


def _start(entry: Entry) -> str | None:
    """When a task starts, where that is of the same type as its due and before it (section 3.8.2.3)."""
    row, due = entry.row, entry.due
    start = row["start_at"] if isinstance(due, datetime) else row["start_date"]
    if start is None or entry.occurrence is not None or start >= due:
        return None
    return on_line("DTSTART", start)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_DESCRIPTION else f"{text[:MAX_DESCRIPTION]}…"
