#!/usr/bin/env bash
# ical-generator 10.2.0 (npm), with a rule given by its parts.
#
# Expected: BYMONTHDAY=28,29,30,31 with BYSETPOS=-1, which is how RFC 5545 says "on the 31st, or
#   the last day of a shorter month", can be given as { byMonthDay, bySetPos }: the standard asks
#   only that BYSETPOS has some other BY part beside it. What can't be is an Error.
# Seen: it's refused, as "bySetPos must be used along with byDay", and what is thrown is a string:
#   no Error, no stack, `error.message` is undefined. The same rule as one text is written as it
#   is.
# Why it matters: a feed that takes rules apart and builds them with this library works for all
#   todos until one is monthly on the 31st; then the whole feed fails, and the log says
#   "undefined".
# What follows: rules go into a feed as the text that is stored; a test has one of each form.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . ical-generator@10.2.0 >/dev/null

cat >seen.mjs <<'JS'
import ical from "ical-generator";

const start = new Date("2027-01-31T09:00:00Z");
for (const repeating of [
  { freq: "MONTHLY", byMonthDay: [-1] },
  { freq: "MONTHLY", byDay: ["MO", "FR"], bySetPos: -1 },
  { freq: "MONTHLY", byMonthDay: [28, 29, 30, 31], bySetPos: -1 },
  "RRULE:FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
]) {
  try {
    const calendar = ical();
    calendar.createEvent({ id: "1", start, stamp: start, summary: "Rent", repeating });
    console.log(`writes ${calendar.toString().match(/RRULE.*/)[0].trim()}`);
  } catch (error) {
    console.log(`throws a ${typeof error}, an Error: ${error instanceof Error}: ${error}`);
  }
}
JS
TZ=UTC node seen.mjs >seen.txt

cat >stated.txt <<'TEXT'
writes RRULE:FREQ=MONTHLY;BYMONTHDAY=-1
writes RRULE:FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1
throws a string, an Error: false: `repeating.bySetPos` must be used along with `repeating.byDay`!
writes RRULE:FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
