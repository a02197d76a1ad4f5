#!/usr/bin/env bash
# dateparser 1.5.0 (PyPI), with languages=["en"] and PREFER_DATES_FROM="future".
#
# Expected: "the 15th" is the 15th of a month, so "the 5th" is the 5th of the next month that has
#   one to come. And "at 9" is nine o'clock.
# Seen: "the 15th" is the 15th of June, but "the 5th" is the 9th of MAY of the next year: English
#   means month first, so up to twelve a lone number is the month, ordinal ending or not, and the
#   day is today's. "at 9" is the 9th of September. With DATE_ORDER="DMY" all are days.
# Why it matters: "pay rent by the 5th" is silently put off by eleven months, for the first twelve
#   days of a month only, so tests with the 15th or the 31st never see it.
# What follows: no free text without an explicit DATE_ORDER of "DMY" for lone numbers, and a check
#   that an ordinal in the text is the day of the result.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check dateparser==1.5.0

cat >seen.py <<'PY'
from datetime import datetime

import dateparser

now = datetime(2027, 6, 9, 15)
for phrase in ("the 15th", "the 13th", "the 12th", "by the 5th", "1st", "at 9", "at 13"):
    base = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future"}
    month_first = dateparser.parse(phrase, languages=["en"], settings=base)
    day_first = dateparser.parse(phrase, languages=["en"], settings={**base, "DATE_ORDER": "DMY"})
    print(f"{phrase}: {month_first:%Y-%m-%d}, with DMY {day_first:%Y-%m-%d}")
PY
TZ=UTC env/bin/python -W ignore seen.py >seen.txt

cat >stated.txt <<'TEXT'
the 15th: 2027-06-15, with DMY 2027-06-15
the 13th: 2027-06-13, with DMY 2027-06-13
the 12th: 2027-12-09, with DMY 2027-06-12
by the 5th: 2028-05-09, with DMY 2027-06-05
1st: 2028-01-09, with DMY 2027-06-01
at 9: 2027-09-09, with DMY 2027-06-09
at 13: 2027-06-13, with DMY 2027-06-13
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
