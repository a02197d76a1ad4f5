#!/usr/bin/env bash
# chrono-node 2.10.3 (npm), which reads English dates out of a line of text.
#
# Expected: "call mum tonight at midnight" is due when the day ends, at 00:00 of the next day,
#   since "midnight" alone is read so; at worst at 00:00 of today, like "today at midnight".
# Seen: it is due at NOON of the same day. "tonight" says p.m., which then turns the 12 of
#   midnight into 12:00. "friday night at midnight" is Friday's noon, "this evening at midnight"
#   tomorrow's, and "tonight 12am" is 00:00 of today, which is over, in spite of forwardDate.
# Why it matters: a quick-add field is where people type this, and the reminder comes twelve hours
#   early, or late, or at once; nothing in the result says that the hour is doubtful (it is
#   "certain").
# What follows: show the instant that was read before it is stored, and take "midnight" beside
#   "tonight", "evening" or "night" for 00:00 of the next day ourselves.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . chrono-node@2.10.3 >/dev/null

cat >seen.mjs <<'JS'
import * as chrono from "chrono-node";

const now = new Date("2027-06-09T15:00:00Z"); // a Wednesday
const phrases = [
  "midnight",
  "today at midnight",
  "tonight at midnight",
  "midnight tonight",
  "this evening at midnight",
  "friday night at midnight",
  "tonight 12am",
];
for (const phrase of phrases) {
  const [{ text, start }] = chrono.parse(phrase, now, { forwardDate: true });
  const sure = start.isCertain("hour") ? "hour certain" : "hour guessed";
  console.log(`${phrase}: ${start.date().toISOString().slice(0, 16)}Z, ${sure}, read "${text}"`);
}
JS
TZ=UTC node seen.mjs >seen.txt

cat >stated.txt <<'TEXT'
midnight: 2027-06-10T00:00Z, hour certain, read "midnight"
today at midnight: 2027-06-09T00:00Z, hour certain, read "today at midnight"
tonight at midnight: 2027-06-09T12:00Z, hour certain, read "tonight at midnight"
midnight tonight: 2027-06-09T12:00Z, hour certain, read "midnight tonight"
this evening at midnight: 2027-06-10T12:00Z, hour certain, read "this evening at midnight"
friday night at midnight: 2027-06-11T12:00Z, hour certain, read "friday night at midnight"
tonight 12am: 2027-06-09T00:00Z, hour certain, read "tonight 12am"
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
