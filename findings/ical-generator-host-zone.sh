#!/usr/bin/env bash
# ical-generator 10.2.0 (npm): a calendar with a time zone, events with a native Date.
#
# Expected: { timezone: "Europe/Berlin" } and an event at 10:00Z on 1 June give
#   DTSTART;TZID=Europe/Berlin:20270601T120000, or 100000Z, on every host.
# Seen: DTSTART has the wall clock of the HOST's zone, and no zone beside it; X-WR-TIMEZONE says
#   Berlin all the same, so that a reader puts an event of 12:00 at 10:00 (host in UTC, the usual
#   container) or at 6:00 (New York). UNTIL and DTSTAMP are shifted alike, though RFC 5545 has
#   DTSTAMP in UTC; EXDATE alone gets a TZID, with the host's wall clock. Without a zone in the
#   calendar all are right, in UTC.
# Why it matters: right on the author's laptop in Berlin, hours off on the server, and again by
#   one hour when the server's clock changes on another day than Berlin's.
# What follows: a feed gives instants in UTC without a calendar zone, or is written by a library
#   that takes zoned times; its test runs under two zones of the host.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . ical-generator@10.2.0 >/dev/null

cat >seen.mjs <<'JS'
import ical from "ical-generator";

const at = (text) => new Date(`2027-06-${text}Z`);
const repeating = { freq: "DAILY", until: at("09T10:00"), exclude: [at("02T10:00")] };
for (const timezone of ["Europe/Berlin", undefined]) {
  const calendar = ical({ timezone });
  calendar.createEvent({ id: "1", start: at("01T10:00"), stamp: at("01T10:00"), repeating });
  const lines = calendar.toString().match(/^(X-WR|DTST|RRULE|EXDATE).*$/gm);
  console.log(`${process.env.TZ}: ${lines.map((line) => line.trim()).join(" ")}`);
}
JS
{
  TZ=UTC node seen.mjs
  TZ=America/New_York node seen.mjs
} >seen.txt

cat >stated.txt <<'TEXT'
UTC: X-WR-TIMEZONE:Europe/Berlin DTSTAMP:20270601T100000 DTSTART:20270601T100000 RRULE:FREQ=DAILY;UNTIL=20270609T100000 EXDATE;TZID=Europe/Berlin:20270602T100000
UTC: DTSTAMP:20270601T100000Z DTSTART:20270601T100000Z RRULE:FREQ=DAILY;UNTIL=20270609T100000Z EXDATE:20270602T100000Z
America/New_York: X-WR-TIMEZONE:Europe/Berlin DTSTAMP:20270601T060000 DTSTART:20270601T060000 RRULE:FREQ=DAILY;UNTIL=20270609T060000 EXDATE;TZID=Europe/Berlin:20270602T060000
America/New_York: DTSTAMP:20270601T100000Z DTSTART:20270601T100000Z RRULE:FREQ=DAILY;UNTIL=20270609T100000Z EXDATE:20270602T100000Z
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
