"""Content lines of iCalendar: values, escapes, and folding by octets."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Event

from todo_gql.exporting.content_lines import (
    day_value,
    folded,
    minutes_value,
    moment_value,
    text_value,
)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=400))
def test_any_text_is_read_back_by_another_program(text: str) -> None:
    """A folded text is as it was, in lines of at most 75 octets that are whole characters."""
    line = folded(f"SUMMARY:{text_value(text)}")
    parts = line.split(b"\r\n")
    assert all(len(part) <= 75 for part in parts)
    for part in parts:
        part.decode()
    event = Event.from_ical(b"BEGIN:VEVENT\r\n" + line + b"END:VEVENT\r\n")
    read = str(event.get("SUMMARY", ""))
    assert read == text.replace("\x85", "\n").replace("\u2028", "\n").replace("\u2029", "\n")


def test_lines_and_control_characters() -> None:
    """Each kind of line break is one newline, and what can't be written is left out."""
    assert text_value("a\r\nb\rc\nd\x00\x1b\te") == "a\\nb\\nc\\nd\te"


@pytest.mark.parametrize("minutes", [0, 1, 59, 60, 61, 1440, 1441, 1500, 100_000])
def test_minutes_are_durations(minutes: int) -> None:
    """A number of minutes is a duration that another program reads as the same."""
    line = folded(f"DURATION:{minutes_value(minutes)}")
    event: Any = Event.from_ical(b"BEGIN:VEVENT\r\n" + line + b"END:VEVENT\r\n")
    assert event["DURATION"].dt == timedelta(minutes=minutes)


def test_moments_are_in_utc() -> None:
    """A moment is written in UTC whatever its offset, and years have four digits."""
    moment = datetime(2027, 3, 28, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert moment_value(moment) == "20270328T003000Z"
    assert moment_value(datetime(7, 1, 2, tzinfo=UTC)) == "00070102T000000Z"
    assert day_value(date(7, 1, 2)) == "00070102"
