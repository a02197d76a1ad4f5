#!/usr/bin/env bash
# chrono-node 2.10.3 (npm), parsedatetime 2.6 and dateparser 1.5.0 (PyPI), readers of English
# dates.
#
# Expected: "day after tomorrow" is in two days for all three; it's among the commonest phrases,
#   and all three know far rarer ones.
# Seen: only dateparser says so. chrono-node reads the one word "tomorrow" in it, a day early,
#   though "the day after tomorrow" and even "overmorrow" are right; its forwardDate changes
#   nothing. parsedatetime says tomorrow at 9:00, with or without the article.
# Why it matters: a todo becomes due a day early, so it is marked overdue when it is not, and what
#   is left of the title is "buy milk day after".
# What follows: a reader that finds part of a phrase gives no error. Take a date from text only
#   where the words around the match are not words of dates too, and show what was read.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . chrono-node@2.10.3 >/dev/null
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check parsedatetime==2.6 dateparser==1.5.0

cat >seen.mjs <<'JS'
import * as chrono from "chrono-node";

const now = new Date("2027-06-09T15:00:00Z");
for (const phrase of ["day after tomorrow", "the day after tomorrow", "overmorrow"]) {
  const [{ text, start }] = chrono.parse(`buy milk ${phrase}`, now, { forwardDate: true });
  console.log(`chrono-node: ${phrase}: ${start.date().toISOString().slice(0, 10)}, read "${text}"`);
}
JS
cat >seen.py <<'PY'
from datetime import datetime

import dateparser
import parsedatetime

now = datetime(2027, 6, 9, 15)
for phrase in ("day after tomorrow", "the day after tomorrow"):
    read, _ = parsedatetime.Calendar().parse(phrase, now.timetuple())
    print(f"parsedatetime: {phrase}: {datetime(*read[:6]):%Y-%m-%d}")
for phrase in ("day after tomorrow", "the day after tomorrow"):
    read = dateparser.parse(phrase, languages=["en"], settings={"RELATIVE_BASE": now})
    print(f"dateparser: {phrase}: {read:%Y-%m-%d}")
PY
export TZ=UTC
{
  node seen.mjs
  env/bin/python -W ignore seen.py
} >seen.txt

cat >stated.txt <<'TEXT'
chrono-node: day after tomorrow: 2027-06-10, read "tomorrow"
chrono-node: the day after tomorrow: 2027-06-11, read "the day after tomorrow"
chrono-node: overmorrow: 2027-06-11, read "overmorrow"
parsedatetime: day after tomorrow: 2027-06-10
parsedatetime: the day after tomorrow: 2027-06-10
dateparser: day after tomorrow: 2027-06-11
dateparser: the day after tomorrow: 2027-06-11
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
