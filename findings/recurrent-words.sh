#!/usr/bin/env bash
# recurrent 0.4.1 (PyPI), which turns English into RFC 5545 rules, and python-dateutil 4.0.0.
#
# Expected: "every 3rd friday" is the third Friday of each month, or not understood; "every day
#   except sunday" is BYDAY=MO,TU,WE,TH,FR,SA, or not understood.
# Seen: "every 3rd friday" is every three weeks, while "3rd friday of every month" is BYDAY=3FR.
#   "every day except sunday" is FREQ=DAILY with an EXDATE for ONE Sunday, the next, at the time
#   of day at which the text was read: for a series at another time of day it takes nothing away,
#   and the Sunday after is there in any case.
# Why it matters: both are what people write in a repeat field; the series looks right in its
#   first week, and for the monthly meeting even in its first three.
# What follows: show the rule in words of ours and the next five dates before it is stored; refuse
#   an EXDATE that came out of text.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check recurrent==0.4.1 parsedatetime==2.6 \
  python-dateutil==4.0.0

cat >seen.py <<'PY'
from datetime import datetime

from dateutil.rrule import rrulestr
from recurrent.event_parser import RecurringEvent

now = datetime(2027, 6, 9, 15)  # a Wednesday
for phrase in ("every 3rd friday", "3rd friday of every month", "every day except sunday"):
    text = RecurringEvent(now_date=now).parse(phrase)
    print(f"{phrase}: {text}".replace("\n", " "))
    for start in (now, now.replace(hour=9)):
        found = rrulestr(text, dtstart=start, forceset=True)
        between = found.between(start, datetime(2027, 7, 20), inc=True)
        if "except" in phrase:
            between = [one for one in between if one.weekday() == 6]
            print(f"  at {start:%H:%M}, Sundays:", *(f"{one:%m-%d}" for one in between))
        elif start == now:
            print("  Fridays:", *(f"{one:%m-%d}" for one in between))
PY
TZ=UTC env/bin/python -W ignore seen.py >seen.txt

cat >stated.txt <<'TEXT'
every 3rd friday: RRULE:BYDAY=FR;INTERVAL=3;FREQ=WEEKLY
  Fridays: 06-11 07-02
3rd friday of every month: RRULE:BYDAY=3FR;INTERVAL=1;FREQ=MONTHLY
  Fridays: 06-18 07-16
every day except sunday: RRULE:INTERVAL=1;FREQ=DAILY EXDATE:20270613T150000
  at 15:00, Sundays: 06-20 06-27 07-04 07-11 07-18
  at 09:00, Sundays: 06-13 06-20 06-27 07-04 07-11 07-18
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
