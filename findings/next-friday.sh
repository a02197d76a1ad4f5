#!/usr/bin/env bash
# chrono-node 2.10.3 (npm), parsedatetime 2.6 and dateparser 1.5.0 (PyPI), told to look ahead.
#
# Expected: "next friday" is either the coming Friday or the one of next week, a known quarrel,
#   and a library takes one side; "this friday" and "friday" are the coming one.
# Seen: chrono-node and parsedatetime say next week's from Monday to Thursday and the coming one
#   from Friday to Sunday; dateparser always says the coming one: a week apart on four days in
#   seven. On a Friday, "this friday" is today, except for chrono-node, for which it's in a week;
#   on a Saturday or Sunday, parsedatetime's "this friday" is over.
# Why it matters: a quick-add field in the browser (chrono-node) and a server that reads mails or
#   imports (Python) give one text two dates a week apart, or a date that is overdue at once.
# What follows: words are read in one place only, and what is stored and sent is the date.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . chrono-node@2.10.3 >/dev/null
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check parsedatetime==2.6 dateparser==1.5.0

cat >seen.mjs <<'JS'
import * as chrono from "chrono-node";

for (let day = 7; day <= 13; day++) {
  const now = new Date(Date.UTC(2027, 5, day, 15));
  const read = (phrase) =>
    chrono.parseDate(phrase, now, { forwardDate: true }).toISOString().slice(5, 10);
  const on = now.toUTCString().slice(0, 3);
  const [next, coming] = [read("next friday"), read("this friday")];
  console.log(`chrono-node, ${on}: next friday ${next}, this ${coming}`);
}
JS
cat >seen.py <<'PY'
from datetime import datetime

import dateparser
import parsedatetime


def first(phrase, now):
    read, _ = parsedatetime.Calendar().parse(phrase, now.timetuple())
    return f"{datetime(*read[:6]):%m-%d}"


def second(phrase, now):
    ahead = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future"}
    return f"{dateparser.parse(phrase, languages=['en'], settings=ahead):%m-%d}"


for name, read in (("parsedatetime", first), ("dateparser", second)):
    for day in range(7, 14):
        now = datetime(2027, 6, day, 15)
        print(
            f"{name}, {now:%a}: next friday {read('next friday', now)},"
            f" this {read('this friday', now)}"
        )
PY
export TZ=UTC
{
  node seen.mjs
  env/bin/python -W ignore seen.py
} >seen.txt

cat >stated.txt <<'TEXT'
chrono-node, Mon: next friday 06-18, this 06-11
chrono-node, Tue: next friday 06-18, this 06-11
chrono-node, Wed: next friday 06-18, this 06-11
chrono-node, Thu: next friday 06-18, this 06-11
chrono-node, Fri: next friday 06-18, this 06-18
chrono-node, Sat: next friday 06-18, this 06-18
chrono-node, Sun: next friday 06-18, this 06-18
parsedatetime, Mon: next friday 06-18, this 06-11
parsedatetime, Tue: next friday 06-18, this 06-11
parsedatetime, Wed: next friday 06-18, this 06-11
parsedatetime, Thu: next friday 06-18, this 06-11
parsedatetime, Fri: next friday 06-18, this 06-11
parsedatetime, Sat: next friday 06-18, this 06-11
parsedatetime, Sun: next friday 06-18, this 06-11
dateparser, Mon: next friday 06-11, this 06-11
dateparser, Tue: next friday 06-11, this 06-11
dateparser, Wed: next friday 06-11, this 06-11
dateparser, Thu: next friday 06-11, this 06-11
dateparser, Fri: next friday 06-18, this 06-11
dateparser, Sat: next friday 06-18, this 06-18
dateparser, Sun: next friday 06-18, this 06-18
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
