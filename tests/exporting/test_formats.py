"""The files for other programs, read back by others than what writes them."""

import json
import re
import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from icalendar import Calendar

from todo_gql.exporting.ical import ical_lines
from todo_gql.exporting.records import records_of
from todo_gql.exporting.taskwarrior import taskwarrior_lines
from todo_gql.exporting.todo_txt import todo_txt_lines

LIST = {
    "type": "list",
    "id": "00000000-0000-0000-0000-000000000001",
    "name": "At home",
    "position": "a",
}
NUMBERS = iter(range(2, 1_000))


def todo(**values: Any) -> dict[str, Any]:
    """A line of a todo."""
    return {
        "type": "todo",
        "id": f"00000000-0000-0000-0000-{next(NUMBERS):012}",
        "title": "Water the plants",
        "status": "PENDING",
        "priority": "MEDIUM",
        "position": "a",
        "createdAt": "2026-01-02T03:04:05.000006Z",
        "updatedAt": "2026-02-03T04:05:06.000007Z",
    } | values


def weekly(mode: str = "SCHEDULE", rule: str = "FREQ=WEEKLY;INTERVAL=2") -> dict[str, Any]:
    """A recurrence at 9 o'clock in Berlin."""
    return {
        "rule": rule,
        "mode": mode,
        "timeZone": "Europe/Berlin",
        "anchor": "2027-03-01",
        "time": "09:00:00",
    }


DONE = {"status": "COMPLETED", "completedAt": "2026-03-04T05:06:07.000008Z"}
PARENT = todo(title="Garden", listId=LIST["id"], tags=["green", "out of town"])
TODOS = [
    PARENT,
    todo(parentId=PARENT["id"], priority="URGENT", dueDate="2027-05-01", startDate="2027-04-29"),
    todo(title="Call at 10:30 +1 555 @noon due:never", dueAt="2027-03-01T08:00:00.000000Z",
         dueTimeZone="Europe/Berlin", recurrence=weekly()),
    todo(title="x marks (A) spot", priority="LOW", **DONE),
    todo(title="(B) 2026-01-01 twice", recurrence=weekly("COMPLETION"), dueDate="2027-03-01"),
    todo(title="Dropped", status="CANCELLED"),
    todo(title="Begun", status="IN_PROGRESS", snoozedUntil="2999-01-01T00:00:00.000000Z", description="a;b,c\nd\\e",
         comments=[{"id": "c", "author": "ada", "body": "Why?", "createdAt": "2026-02-03T04:05:06.000000Z"}],
         reminders=[{"id": "r", "anchor": "DUE", "offset": "-PT15M"}, {"id": "s", "at": "2027-01-01T08:00:00.000000Z"}]),
    todo(title="Trashed", deletedAt="2026-03-04T05:06:07.000008Z"),
]  # fmt: skip
LINES = [orjson.dumps(line) + b"\n" for line in [{"type": "header"}, LIST, *TODOS, {"type": "end"}]]


def written(write: Any) -> bytes:
    """The file that a writer makes of the lines."""
    return b"".join(write(records_of(LINES)))


def parse_todo_txt(line: str) -> dict[str, Any]:
    """A line by the rules of todo.txt's own page."""
    match = re.fullmatch(
        r"(?:(x) (?:(\d{4}-\d\d-\d\d) )?)?(?:\(([A-Z])\) )?(?:(\d{4}-\d\d-\d\d) )?(.*)", line
    )
    assert match is not None
    words = match[5].split(" ")
    return {
        "done": bool(match[1]),
        "completed": match[2],
        "priority": match[3],
        "created": match[4],
        "projects": [word[1:] for word in words if word[0] == "+" and len(word) > 1],
        "contexts": [word[1:] for word in words if word[0] == "@" and len(word) > 1],
        "keys": dict(
            word.split(":", 1) for word in words if re.fullmatch(r"[a-z]+:[^\s:]\S*", word)
        ),
        "text": match[5],
    }


def test_todo_txt_is_read_by_its_rules() -> None:
    """Each todo is a line with its dates, priority, list, tags and keys, and no title is taken for any of these."""
    parent, child, call, done, twice, begun = map(
        parse_todo_txt, written(todo_txt_lines).decode().splitlines()
    )
    assert (parent["priority"], parent["created"], parent["projects"], parent["contexts"]) == (
        *("C", "2026-01-02", ["At_home"], ["green", "out_of_town"]),
    )
    assert child["keys"] == {
        "due": "2027-05-01",
        "t": "2027-04-29",
        "id": TODOS[1]["id"],
        "p": PARENT["id"],
    }
    assert child["priority"] == "A"
    assert (call["projects"], call["contexts"]) == ([], [])
    assert call["keys"] == {"due": "2027-03-01", "rec": "+2w", "id": TODOS[2]["id"]}
    assert (done["done"], done["completed"], done["created"]) == (True, "2026-03-04", "2026-01-02")
    assert done["keys"]["pri"] == "D"
    assert (twice["priority"], twice["created"], twice["keys"]["rec"]) == ("C", "2026-01-02", "2w")
    assert "Begun" in begun["text"]


def test_taskwarriors_json_has_its_own_names() -> None:
    """Each todo is a task with the keys of RFC 1, without those that are empty."""
    parent, child, call, done, twice, dropped, begun = json.loads(written(taskwarrior_lines))
    assert parent == {
        "uuid": PARENT["id"],
        "status": "pending",
        "description": "Garden",
        "entry": "20260102T030405Z",
        "modified": "20260203T040506Z",
        "priority": "M",
        "tags": ["green", "out_of_town"],
        "project": "At home",
    }
    assert (child["due"], child["scheduled"], child["priority"]) == (
        *("20270501T000000Z", "20270429T000000Z", "H"),
    )
    assert (call["status"], call["due"], call["recur"]) == ("recurring", "20270301T080000Z", "P2W")
    assert (done["status"], done["end"]) == ("completed", "20260304T050607Z")
    assert twice["status"] == "recurring"
    assert (dropped["status"], dropped["end"]) == ("deleted", "20260203T040506Z")
    assert begun["wait"] == "29990101T000000Z"
    assert [one["description"] for one in begun["annotations"]] == ["a;b,c\nd\\e", "Why?"]
    assert json.loads(b"".join(taskwarrior_lines([]))) == []


@pytest.mark.skipif(shutil.which("task") is None, reason="Taskwarrior isn't installed")
def test_taskwarrior_imports_its_file(tmp_path: Path) -> None:
    """Taskwarrior itself takes over every task, with its status, dates and project."""
    (tmp_path / "tasks.json").write_bytes(written(taskwarrior_lines))
    (tmp_path / "rc").write_text(f"data.location={tmp_path}\nconfirmation=no\nrecurrence=no\n")

    def task(*words: str) -> bytes:
        rc = [f"rc:{tmp_path / 'rc'}", "rc.json.array=on"]
        command = [shutil.which("task") or "", *rc, *words]
        return subprocess.run(command, check=True, capture_output=True).stdout

    task("import", str(tmp_path / "tasks.json"))
    tasks = {one["uuid"]: one for one in json.loads(task("export"))}
    assert set(tasks) == {one["id"] for one in TODOS if "deletedAt" not in one}
    assert tasks[PARENT["id"]]["project"] == "At home"
    assert tasks[TODOS[2]["id"]]["status"] == "recurring"
    assert tasks[TODOS[3]["id"]]["end"] == "20260304T050607Z"


def test_icalendar_reads_each_todo() -> None:
    """Each todo is a VTODO with its dates, rule in its zone, reminders, tags and parent."""
    calendar: Any = Calendar.from_ical(written(ical_lines))
    parent, child, call, done, twice, dropped, begun = calendar.walk("VTODO")
    assert (parent["UID"], parent["CATEGORIES"].cats) == (PARENT["id"], ["green", "out of town"])
    assert (child["RELATED-TO"], child["DUE"].dt, child["DTSTART"].dt, child["PRIORITY"]) == (
        *(PARENT["id"], date(2027, 5, 1), date(2027, 4, 29), 1),
    )
    assert call["RRULE"] == {"FREQ": ["WEEKLY"], "INTERVAL": [2]}
    assert call["DTSTART"].dt == call["DUE"].dt
    assert call["DUE"].dt.isoformat() == "2027-03-01T09:00:00+01:00"
    assert [str(one["TZID"]) for one in calendar.walk("VTIMEZONE")] == ["Europe/Berlin"]
    assert (done["STATUS"], done["COMPLETED"].dt) == (
        *("COMPLETED", datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)),
    )
    assert "RRULE" not in twice
    assert dropped["STATUS"] == "CANCELLED"
    assert (begun["STATUS"], begun["DESCRIPTION"]) == ("IN-PROCESS", "a;b,c\nd\\e")
    before, moment = begun.walk("VALARM")
    assert before["TRIGGER"].params["RELATED"] == "END"
    assert moment["TRIGGER"].dt == datetime(2027, 1, 1, 8, tzinfo=UTC)
