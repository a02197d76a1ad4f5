#!/usr/bin/env bash
# icalendar 7.3.2 (PyPI), on calendars that define a time zone of their own name, as Outlook and
# Exchange do ("Customized Time Zone").
#
# Expected: a VTIMEZONE is of the file that it stands in. A file that names a zone without defining it
#   has floating times, and another definition of the same name is another zone.
# Seen: the first definition of a name is kept for the process. A later file without one gets the zone
#   of the earlier file, and a later file with another one gets it, too: nine hours east instead of
#   five hours west.
# Why it matters: a server reads files of many people. The same file is due at another instant
#   depending on whose file was read before it, and a test of one file alone can't see it.
# What follows: import maps zones by name, path and offsets itself, to zones of the IANA database, and
#   has no definition evaluated.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check icalendar==7.3.2 tzdata==2026.6

cat >seen.py <<'PY'
from icalendar import Calendar

ZONE = """BEGIN:VTIMEZONE\r
TZID:Customized Time Zone\r
BEGIN:STANDARD\r
DTSTART:19700101T000000\r
TZOFFSETFROM:{0}\r
TZOFFSETTO:{0}\r
END:STANDARD\r
END:VTIMEZONE\r
"""


def due(definition: str) -> str:
    text = f"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:x\r
{definition}BEGIN:VTODO\r
UID:1\r
DTSTAMP:20270101T000000Z\r
DUE;TZID=Customized Time Zone:20270601T090000\r
END:VTODO\r
END:VCALENDAR\r
"""
    return Calendar.from_ical(text).todos[0]["DUE"].dt.isoformat()


print("without a definition:", due(""))
print("defined as +0900:    ", due(ZONE.format("+0900")))
print("without a definition:", due(""))
print("defined as -0500:    ", due(ZONE.format("-0500")))
PY
env/bin/python seen.py >seen.txt

cat >stated.txt <<'TEXT'
without a definition: 2027-06-01T09:00:00
defined as +0900:     2027-06-01T09:00:00+09:00
without a definition: 2027-06-01T09:00:00+09:00
defined as -0500:     2027-06-01T09:00:00+09:00
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
