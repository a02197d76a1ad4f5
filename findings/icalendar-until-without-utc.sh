#!/usr/bin/env bash
# icalendar 7.3.2 and python-dateutil 4.0.0 (PyPI).
#
# Expected: add() writes each property in the form that RFC 5545 wants: DTSTAMP, CREATED,
#   COMPLETED and, where the start has a zone, UNTIL in UTC.
# Seen: DTSTAMP and CREATED are turned into UTC. COMPLETED keeps its zone ("COMPLETED;TZID=…",
#   which the RFC forbids), and UNTIL loses it: 20:00 in Los Angeles is written as 200000, with
#   neither zone nor Z. dateutil refuses that rule; whoever takes it for UTC loses the last
#   occurrence, since 20:00 UTC is 13:00 there.
# Why it matters: the aware datetime that the caller had was right, and the file can't be read by
#   the strict, or ends a day early for the lax.
# What follows: .astimezone(UTC) before add() for UNTIL and COMPLETED, held by a test that reads
#   the export with dateutil.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check icalendar==7.3.2 python-dateutil==4.0.0 \
  tzdata==2026.6

cat >seen.py <<'PY'
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Todo

start = datetime(2027, 6, 1, 20, tzinfo=ZoneInfo("America/Los_Angeles"))
last = start.replace(day=3)
for until in (last, last.astimezone(timezone.utc)):
    todo = Todo()
    todo.add("dtstamp", start)
    todo.add("created", start)
    todo.add("completed", start)
    todo.add("rrule", {"freq": "daily", "until": until})
    lines = todo.to_ical().decode().split("\r\n")
    print(*(line for line in lines if line[:4] in ("DTST", "CREA", "COMP", "RRUL")), sep="\n")
    try:
        found = rrulestr(next(line for line in lines if line.startswith("RRULE")), dtstart=start)
        print("  dateutil:", *(f"{one:%m-%dT%H:%M}" for one in found))
    except ValueError as error:
        print("  dateutil raises:", error)
PY
env/bin/python seen.py >seen.txt

cat >stated.txt <<'TEXT'
COMPLETED;TZID=America/Los_Angeles:20270601T200000
CREATED:20270602T030000Z
DTSTAMP:20270602T030000Z
RRULE:FREQ=DAILY;UNTIL=20270603T200000
  dateutil raises: RRULE UNTIL values must be specified in UTC when DTSTART is timezone-aware
COMPLETED;TZID=America/Los_Angeles:20270601T200000
CREATED:20270602T030000Z
DTSTAMP:20270602T030000Z
RRULE:FREQ=DAILY;UNTIL=20270604T030000Z
  dateutil: 06-01T20:00 06-02T20:00 06-03T20:00
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
