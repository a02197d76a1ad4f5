#!/usr/bin/env bash
# dateparser 1.5.0 (PyPI), with PREFER_DATES_FROM=future, as an app of todos sets it: nobody plans for
# the past.
#
# Expected: "30 Nov" read on 30 November is today; "9:00" read at noon is tomorrow at nine.
# Seen: "30 Nov" is a year away, on that day alone: on the 29th it is tomorrow. "9:00" is tomorrow in
#   the middle of a month, and on its last day it is the FIRST OF THIS MONTH, four weeks ago.
# Why it matters: what is due today is put off by a year, and what is for tomorrow morning is overdue
#   as soon as it is saved; both only on some days, which no test with a fixed date shows.
# What follows: words are read from midnight on, not from now; a date a year from today is read again
#   with "current_period".
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check dateparser==1.5.0 tzdata==2026.6

cat >seen.py <<'PY'
from datetime import datetime

from dateparser import parse

for now in (datetime(2026, 11, 15, 12), datetime(2026, 11, 29, 12), datetime(2026, 11, 30, 12)):
    for text in ("30 Nov", "9:00"):
        settings = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future"}
        read = parse(text, languages=["en"], settings=settings)
        print(f"on {now:%d %B %Y at noon}: {text} is {read:%Y-%m-%d %H:%M}")
PY
env/bin/python -W ignore seen.py >seen.txt

cat >stated.txt <<'TEXT'
on 15 November 2026 at noon: 30 Nov is 2026-11-30 00:00
on 15 November 2026 at noon: 9:00 is 2026-11-16 09:00
on 29 November 2026 at noon: 30 Nov is 2026-11-30 00:00
on 29 November 2026 at noon: 9:00 is 2026-11-30 09:00
on 30 November 2026 at noon: 30 Nov is 2027-11-30 00:00
on 30 November 2026 at noon: 9:00 is 2026-11-01 09:00
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
