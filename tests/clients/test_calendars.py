"""Calendar feeds as public parsers read them: each sees the same entries at the same moments."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import urlopen

import pytest
from icalendar import Calendar

from tests.clients.programs import run
from tests.support.processes import Server

CREATE = "mutation ($input: TodoCreateInput!) { todoCreate(input: $input) { errors { message } } }"
FEED = """
mutation ($asEvents: Boolean!) { calendarFeedCreate(asEvents: $asEvents) { feed { url } errors { message } } }
"""


def todos() -> list[dict[str, Any]]:
    """What programs that expand rules themselves would read differently: month ends, leap days, skipped hours."""
    now = datetime.now(UTC)
    year = now.year + 1
    return [
        {"title": "Pay, the; rent\\", "dueDate": f"{year}-01-31", "recurrence": {"rule": "FREQ=MONTHLY"}},
        {"title": "Leap", "dueDate": f"{now.year // 4 * 4}-02-29", "recurrence": {"rule": "FREQ=YEARLY"}},
        {
            "title": "Early",
            "dueAt": f"{year}-03-20T01:30:00Z",
            "dueTimeZone": "Europe/Berlin",
            "recurrence": {"rule": "FREQ=DAILY;COUNT=20"},
        },
        {"title": "Last weekday", "dueDate": f"{year}-01-29", "recurrence": {"rule": "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"}},
        {"title": "Once 🦉" * 20, "dueAt": (now + timedelta(1)).isoformat(), "estimatedMinutes": 90},
    ]  # fmt: skip


@pytest.mark.parametrize("as_events", [True, False], ids=["events", "tasks"])
def test_each_parser_sees_the_same_moments(server: Server, token: str, as_events: bool) -> None:
    """ical.js, node-ical and icalendar read the same ids, titles, days and moments, and no rule."""
    for sent in todos() if as_events else ():
        made = server.execute(CREATE, token=token, input=sent)
        assert made["todoCreate"]["errors"] == []
    made = server.execute(FEED, token=token, asEvents=as_events)
    url = made["calendarFeedCreate"]["feed"]["url"].replace("http://localhost", "http://127.0.0.1")
    path = url.partition("/calendars/")[2]
    address = f"{server.address.removesuffix('/graphql')}/calendars/{path}"
    with urlopen(address) as answer:  # noqa: S310 - it is the server of the test
        calendar: Any = Calendar.from_ical(answer.read())
    expected = [
        {
            "uid": str(one["UID"]),
            "title": str(one["SUMMARY"]),
            "at": moment(one),
            "isRecurring": False,
        }
        for one in calendar.walk("VEVENT" if as_events else "VTODO")
    ]
    assert len(expected) > 60
    printed = json.loads(run("node", "calendars.mjs", TODO_URL=address, TZ="America/Chicago"))
    for parser, entries in printed.items():
        assert (parser, sorted(entries, key=by_id)) == (parser, sorted(expected, key=by_id))


def moment(entry: Any) -> str:
    """When an entry is, as the programs print it."""
    at = (entry.get("DUE") or entry["DTSTART"]).dt
    if not isinstance(at, datetime):
        return str(at)
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def by_id(entry: dict[str, Any]) -> str:
    """An entry's id, by which they are sorted."""
    return str(entry["uid"])
