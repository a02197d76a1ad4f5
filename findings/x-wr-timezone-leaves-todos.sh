#!/usr/bin/env bash
# x-wr-timezone 2.0.1 and icalendar 7.3.2 (PyPI): turns a calendar with Google's and Apple's
# X-WR-TIMEZONE into a standard one.
#
# Expected: every component's times get the calendar's zone: events, todos, journals.
# Seen: events do. Todos stay in UTC, to the letter; there is no warning.
# Why it matters: for a single todo UTC is the same instant, but a repeating one keeps 12:00 UTC
#   all year: "daily at 8:00 in New York" is at 7:00 from November on, while the event beside it,
#   with the same lines, stays at 8:00.
# What follows: import reads X-WR-TIMEZONE itself and gives it to repeating todos as their zone.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check x-wr-timezone==2.0.1 icalendar==7.3.2 \
  python-dateutil==2.9.0.post0 tzdata==2026.6

cat >seen.py <<'PY'
from datetime import timedelta
from zoneinfo import ZoneInfo

import x_wr_timezone
from icalendar import Calendar

part = """BEGIN:{0}\r
UID:{0}\r
DTSTAMP:20270101T000000Z\r
DTSTART:20270601T120000Z\r
RRULE:FREQ=DAILY\r
END:{0}\r
"""
text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nX-WR-TIMEZONE:America/New_York\r\n"
text += part.format("VEVENT") + part.format("VTODO") + "END:VCALENDAR\r\n"
standard = x_wr_timezone.to_standard(Calendar.from_ical(text))
for component in (*standard.events, *standard.todos):
    start = component["DTSTART"].dt
    winter = start + timedelta(days=183)  # on its own wall clock, as a daily rule goes
    new_york = winter.astimezone(ZoneInfo("America/New_York"))
    print(f"{component.name}: {start.tzinfo}, on {winter:%d %B} at {new_york:%H:%M} in New York")
PY
env/bin/python seen.py >seen.txt

cat >stated.txt <<'TEXT'
VEVENT: America/New_York, on 01 December at 08:00 in New York
VTODO: UTC, on 01 December at 07:00 in New York
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
