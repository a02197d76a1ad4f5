#!/usr/bin/env bash
# icalendar 7.3.2 (PyPI), on the reminders of a todo with a due date and no start, which is what
# Tasks.org, Nextcloud and Thunderbird write.
#
# Expected: alarms.times has both alarms: a quarter of an hour before the end, as RELATED=END says, and
#   the one with a moment of its own, which counts from nothing.
# Seen: it raises "No DTSTART given." for both. Without alarms, too: it is the todo that is incomplete.
#   With a start, both are there.
# Why it matters: RFC 5545 lets a todo have a due date alone (section 3.6.2), and most have. Whoever
#   catches the error imports todos without reminders, and nobody notices until one doesn't come.
# What follows: triggers are read and reckoned by the import itself.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check icalendar==7.3.2 tzdata==2026.6

cat >seen.py <<'PY'
from icalendar import Todo
from icalendar.error import IncompleteComponent

ALARMS = """BEGIN:VALARM\r
ACTION:DISPLAY\r
DESCRIPTION:Reminder\r
TRIGGER;RELATED=END:-PT15M\r
END:VALARM\r
BEGIN:VALARM\r
ACTION:DISPLAY\r
DESCRIPTION:Reminder\r
TRIGGER;VALUE=DATE-TIME:20270531T090000Z\r
END:VALARM\r
"""
DUE, START = "DUE:20270601T090000Z\r\n", "DTSTART:20270601T080000Z\r\n"
cases = {"due": DUE, "due, alarms": DUE + ALARMS, "start, due, alarms": START + DUE + ALARMS}
for name, lines in cases.items():
    todo = Todo.from_ical(f"BEGIN:VTODO\r\nUID:1\r\nDTSTAMP:20270101T000000Z\r\n{lines}END:VTODO\r\n")
    try:
        print(f"{name}:", *(f"{alarm.trigger:%m-%dT%H:%M}" for alarm in todo.alarms.times))
    except IncompleteComponent as error:
        print(f"{name}: raises {error}")
PY
env/bin/python seen.py >seen.txt

cat >stated.txt <<'TEXT'
due: raises No DTSTART given.
due, alarms: raises No DTSTART given.
start, due, alarms: 06-01T08:45 05-31T09:00
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
