"""Todos of iCalendar, of the programs that write them, and broken in many ways."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from icalendar import Calendar

from tests.support.imports import BERLIN, OWN, Import, fixtures, imported
from todo_gql.database.models import Priority, Status
from todo_gql.importing.ical import read
from todo_gql.importing.records import ImportedDate, ImportedReminder, UnreadableFile

FILES = [*fixtures("icalendar/*.ics"), *fixtures("todotxt/*.ics")]


def own(name: str) -> Import:
    """What is imported of one of the checkout's fixtures."""
    return imported(read, (OWN / "icalendar" / f"{name}.ics").read_bytes(), zone=BERLIN)


def of_lines(*lines: str) -> Import:
    """What is imported of a todo of these lines."""
    text = "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VTODO", "UID:u", "SUMMARY:Test", *lines]
    )
    return imported(read, f"{text}\r\nEND:VTODO\r\nEND:VCALENDAR\r\n")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_todo_of_a_calendar_is_imported(path: Path) -> None:
    """Each VTODO that grep finds is a todo with an id of its own."""
    result = imported(read, path.read_bytes())
    assert len(result.todos) == path.read_text(encoding="utf-8").count("BEGIN:VTODO")
    assert len({todo.foreign_id for todo in result.todos}) == len(result.todos)


@pytest.mark.filterwarnings("ignore:.*globally unique TZID")
@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.name != "tasks-org-tree.ics"],
    ids=lambda path: path.name,
)
def test_titles_and_due_days_are_those_that_the_library_reads(path: Path) -> None:
    """Title, completion and due date agree with what icalendar reads of the whole file."""
    todos = Calendar.from_ical(path.read_bytes()).walk("VTODO")
    result = imported(read, path.read_bytes())
    assert result.titles == [str(todo.get("SUMMARY", "Untitled")) for todo in todos]
    for todo, expected in zip(result.todos, todos, strict=True):
        assert (todo.status == Status.COMPLETED) == ("COMPLETED" in expected)
        due = expected.get("DUE")
        assert bool(todo.due) == bool(
            due or "DURATION" in expected or ("DTSTART" in expected and "RRULE" in expected)
        )
        if due and not isinstance(due.dt, datetime):
            assert todo.due == ImportedDate(day=due.dt)


def test_a_completed_occurrence_is_a_todo_and_the_series_goes_on_behind_it() -> None:
    """An override that was completed is a completed todo; the series is due at its next occurrence."""
    series, occurrence = own("emclient-completed-recurring").todos
    assert (series.status, series.rule) == (Status.PENDING, "FREQ=DAILY")
    assert series.due == ImportedDate(
        at=datetime(2020, 9, 10, 22, tzinfo=UTC), zone="Europe/Berlin"
    )
    assert (occurrence.status, occurrence.rule) == (Status.COMPLETED, None)
    assert occurrence.completed_at == datetime(2020, 9, 9, 14, 25, 4, tzinfo=UTC)
    assert occurrence.foreign_id == "3884083942925614120/20200910T000000"


def test_a_series_of_completed_occurrences_is_completed() -> None:
    """A series is done when all of its occurrences are, and counts those that are left."""
    override = (
        "END:VTODO\r\nBEGIN:VTODO\r\nUID:u\r\nSTATUS:COMPLETED\r\nRECURRENCE-ID;VALUE=DATE:2026120"
    )
    two, one = (
        of_lines(
            "DUE;VALUE=DATE:20261201",
            "RRULE:FREQ=DAILY;COUNT=2",
            *(f"{override}{day}" for day in days),
        ).todos[0]
        for days in ((1, 2), (1,))
    )
    assert (two.status, two.rule) == (Status.COMPLETED, None)
    assert (one.due, one.rule) == (ImportedDate(day=date(2026, 12, 2)), "FREQ=DAILY;COUNT=1")


def test_a_changed_occurrence_is_reported() -> None:
    """An override that is open can't be imported, and is no second todo."""
    result = of_lines("RECURRENCE-ID;VALUE=DATE:20261201", "DUE;VALUE=DATE:20261202")
    assert not result.todos
    assert [problem.title for problem in result.failures] == ["Test"]


def test_alarms_are_reminders() -> None:
    """An alarm counts from where it says; without a start it counts from the due date."""
    result = own("thunderbird-reminders")
    assert result.todo("Before the end").reminders == (
        ImportedReminder(offset="-PT15M"),
        ImportedReminder(offset="-P1DT2H", from_start=True),
    )
    assert result.todo("Without a start").reminders == (ImportedReminder(offset="PT0S"),)
    assert result.todo("Without a date").description == "Reminder: -PT15M"
    assert [loss.location for loss in result.losses] == ["line 32"]


def test_alarms_of_places_are_described() -> None:
    """An alarm of a place isn't one of 1976, and what it says of the place is kept."""
    result = of_lines(
        "BEGIN:VALARM",
        "TRIGGER;VALUE=DATE-TIME:19760401T005545Z",
        "X-APPLE-PROXIMITY:ARRIVE",
        'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="The, shop":geo:37.4,-122.0',
        "END:VALARM",
        "BEGIN:VALARM",
        "TRIGGER;VALUE=DATE-TIME:19760401T005545Z",
        "END:VALARM",
    )
    todo = result.todos[0]
    assert not todo.reminders
    assert todo.description == (
        "Reminder at: ARRIVE The, shop geo:37.4,-122.0\nReminder: 19760401T005545Z"
    )
    assert len(result.losses) == 2


def test_everything_of_a_todo_is_imported() -> None:
    """List, parent, priority, tags, folded and escaped texts are a todo's, the rest is described."""
    result = own("tasks-org-tree")
    (home,) = result.lists
    child, parent = result.todos[:2]
    assert (home.name, home.color) == ("Home, garden", "#ff2968")
    assert child.title.endswith("the line is folded in the middle of a word")
    assert (child.parent_id, child.priority) == (parent.foreign_id, Priority.LOW)
    assert child.tags == ("paint", '"shop"', "Smith, Jones")
    assert (parent.priority, parent.status) == (Priority.URGENT, Status.IN_PROGRESS)
    assert parent.due == ImportedDate(
        at=datetime(2026, 10, 3, 17, tzinfo=UTC), zone="Europe/Berlin"
    )
    assert [comment.body for comment in parent.comments] == ["It was green before"]
    assert (parent.description or "").split("\n\n") == [
        "Two coats\nNot on a rainy day",
        "Percent: 40\nRelated: other\nLocation: Garden\nLink: https://paint.example/",
    ]


def test_mixes_of_dates_are_read() -> None:
    """A rule counts from what date there is, texts lose their escapes, and what repeats without a date is described."""
    result = own("public-mixes")
    assert result.todo("Weekly from its due date").rule == "FREQ=WEEKLY"
    assert result.todo("old\\new").description == (
        "Item with path C:\\notes\\todo.txt, semicolons ; and commas , and actual\nnewline and uppercase"
    )
    taxes = result.todo("Submit Income Taxes")
    assert taxes.due == ImportedDate(day=date(1998, 4, 15))
    assert taxes.reminders == (ImportedReminder(at=datetime(1998, 4, 3, 12, tzinfo=UTC)),)
    start = result.todo("Repeats from its start")
    assert (start.due, start.start) == (ImportedDate(day=date(2013, 9, 1)), None)
    without = result.todo("Repeats without any date")
    assert (without.rule, without.description) == (None, "Repeats: FREQ=DAILY")
    assert result.todo("The same id again").foreign_id == "other-zones/2"


def test_what_is_broken_costs_nothing_but_itself() -> None:
    """A todo with lines that make no sense is imported without them, and they are described."""
    result = own("tasks-org-tree")
    todo = result.todo("Broken in three ways")
    assert (todo.due, todo.priority, todo.rule) == (None, None, None)
    for text in ("20261399T000000", "high", "FREQ=SOMETIMES", "this is no line at all"):
        assert text in (todo.description or "")
    assert len([loss for loss in result.losses if loss.title == todo.title]) == 4
    assert [problem.message.split()[:3] for problem in result.failures] == [
        ["1", "components", "VEVENT"]
    ]


@pytest.mark.parametrize(
    ("title", "zone", "hour"),
    [
        ("Windows", "Europe/Berlin", 7),
        ("Customized", "Europe/Athens", 6),
        ("With a path", "Asia/Tokyo", 0),
        ("Unknown", "America/New_York", 13),
    ],
)
def test_zones_are_those_of_the_database(title: str, zone: str, hour: int) -> None:
    """A zone is known by its name, by Windows' name, by a path or by its offsets, or is the calendar's."""
    result = own("outlook-zones")
    due = result.todo(title).due
    assert due == ImportedDate(at=datetime(2026, 7, 1, hour, tzinfo=UTC), zone=zone)
    assert [loss.title for loss in result.losses] == ["Unknown"]


def test_a_todo_in_utc_repeats_in_the_calendar_s_zone() -> None:
    """A repeating todo whose times are in UTC repeats on the clock of X-WR-TIMEZONE."""
    todo = own("outlook-zones").todo("Daily in UTC")
    assert todo.due == ImportedDate(
        at=datetime(2026, 6, 1, 12, tzinfo=UTC), zone="America/New_York"
    )
    assert todo.rule == "FREQ=DAILY;COUNT=5"


def test_a_duration_in_days_moves_the_clock() -> None:
    """A day after nine o'clock is nine o'clock, be it one of 23 hours."""
    todo = own("outlook-zones").todo("Duration over a change")
    assert todo.due == ImportedDate(at=datetime(2027, 3, 28, 7, tzinfo=UTC), zone="Europe/Berlin")


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=HOURLY",
        "RRULE:FREQ=DAILY\r\nRRULE:FREQ=WEEKLY",
        "RRULE:FREQ=DAILY;RSCALE=GREGORIAN",
        "RRULE:" + "FREQ=DAILY;" * 100,
    ],
)
def test_rules_that_are_not_supported_are_described(line: str) -> None:
    """A rule that todos can't have goes into the description, and is reported."""
    result = of_lines("DUE;VALUE=DATE:20261201", line)
    assert result.todos[0].rule is None
    assert (result.todos[0].description or "").startswith("Repeats: FREQ=")
    assert len(result.losses) == 1


def test_an_end_that_is_a_date_is_taken() -> None:
    """A rule whose UNTIL is a date is a rule also where the due date has a time."""
    result = of_lines("DUE;TZID=Europe/Berlin:20261201T090000", "RRULE:FREQ=DAILY;UNTIL=20261224")
    assert result.todos[0].rule == "FREQ=DAILY;UNTIL=20261224"
    assert not result.problems


def test_a_todo_without_its_end_is_imported_and_reported() -> None:
    """A todo that the next one cuts off is imported as far as it goes."""
    result = imported(
        read, "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:One\nBEGIN:VTODO\nSUMMARY:Two\nEND:VTODO\n"
    )
    assert result.titles == ["One", "Two"]
    assert [problem.location for problem in result.failures] == ["line 2"]


@pytest.mark.parametrize("content", ["Buy milk", "BEGIN:NOTHING"])
def test_what_is_no_calendar_is_refused(content: str) -> None:
    """A file without anything of a calendar is refused."""
    with pytest.raises(UnreadableFile, match="no calendar"):
        imported(read, content)
