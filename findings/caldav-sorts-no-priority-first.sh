#!/usr/bin/env bash
# icalendar-searcher 1.3.0 (PyPI), which caldav 3.6.0 sorts and filters with; icalendar 7.3.2.
#
# Expected: sorted by priority, 1 (highest in RFC 5545) comes first and what has none, or 0, which
#   the RFC calls undefined, comes last: as todos without DUE come last when sorted by due date.
# Seen: what has none, or 0, comes FIRST, before the most urgent; sorted by due date, what has
#   none does come last. And PERCENT-COMPLETE:100 without STATUS counts as open, COMPLETED as
#   done.
# Why it matters: "the five most urgent" of a list, most of whose todos have no priority, are five
#   without one.
# What follows: import gives a missing PRIORITY and 0 one and the same meaning, the default; what
#   is completed is told by STATUS, COMPLETED or 100 per cent.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check icalendar-searcher==1.3.0 icalendar==7.3.2 \
  recurring-ical-events==3.8.2 python-dateutil==2.9.0.post0

cat >seen.py <<'PY'
from icalendar import Calendar
from icalendar_searcher import Searcher


def calendar(name, *lines):
    todo = "".join(f"{line}\r\n" for line in ("UID:1", "DTSTAMP:20270101T000000Z", *lines))
    return Calendar.from_ical(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTODO\r\n"
        f"SUMMARY:{name}\r\n{todo}END:VTODO\r\nEND:VCALENDAR\r\n"
    )


todos = [
    calendar("lowest", "PRIORITY:9"),
    calendar("none"),
    calendar("zero", "PRIORITY:0"),
    calendar("highest", "PRIORITY:1"),
    calendar("due", "PRIORITY:5", "DUE:20270601T100000Z"),
]
for key in ("priority", "due"):
    searcher = Searcher(todo=True)
    searcher.add_sort_key(key)
    names = (str(one.todos[0]["SUMMARY"]) for one in searcher.sort(todos))
    print(f"by {key}:", ", ".join(names))
open_only = Searcher(todo=True, include_completed=False)
for line in ("STATUS:COMPLETED", "COMPLETED:20270101T000000Z", "PERCENT-COMPLETE:100"):
    print(f"{line}: open {bool(open_only.check_component(calendar('x', line)))}")
PY
env/bin/python -W ignore seen.py >seen.txt

cat >stated.txt <<'TEXT'
by priority: none, zero, highest, due, lowest
by due: due, lowest, none, zero, highest
STATUS:COMPLETED: open False
COMPLETED:20270101T000000Z: open False
PERCENT-COMPLETE:100: open True
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
