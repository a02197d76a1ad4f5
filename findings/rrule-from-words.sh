#!/usr/bin/env bash
# rrule 2.8.1 (npm): RRule.fromText(), which raises "Unknown symbol" for words that it doesn't
# know.
#
# Expected: what it can't read raises; what it reads is all of the text. And its own toText() is
#   read back as the same rule.
# Seen: it raises for some words, but what follows a part that it could end with is dropped in
#   silence: "every year on feb 29" is all of February, "every weekend" is once a week on any day,
#   "biweekly" and "daily" are an empty rule, which runs YEARLY. And an UNTIL in the evening of 1
#   March comes back as 00:00 of that day, so opening and saving a series as text loses its last
#   todo.
# Why it matters: a text field for repeats that trusts the absence of an error stores rules that
#   people didn't write.
# What follows: read words on the server alone; if a page must, compare toText() of the result
#   with the text and refuse what differs.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . rrule@2.8.1 >/dev/null

cat >seen.mjs <<'JS'
import rrule from "rrule";

const { RRule, Frequency } = rrule;
for (const text of [
  "every year on feb 29",
  "every weekend",
  "biweekly",
  "daily",
  "every two weeks",
  "every other day",
]) {
  try {
    const rule = RRule.fromText(text);
    console.log(`${text}: "${rule.toString()}", runs ${Frequency[rule.options.freq]}`);
  } catch (error) {
    console.log(`${text}: raises ${error.message}`);
  }
}
const until = RRule.fromString("FREQ=DAILY;UNTIL=20270301T225959Z");
const back = RRule.fromText(until.toText());
console.log(`${until.toString()}: "${until.toText()}": ${back.toString()}`);
JS
TZ=UTC node seen.mjs >seen.txt

cat >stated.txt <<'TEXT'
every year on feb 29: "RRULE:FREQ=YEARLY;BYMONTH=2", runs YEARLY
every weekend: "RRULE:FREQ=WEEKLY", runs WEEKLY
biweekly: "", runs YEARLY
daily: "", runs YEARLY
every two weeks: raises Unknown symbol
every other day: raises Unexpected end
RRULE:FREQ=DAILY;UNTIL=20270301T225959Z: "every day until March 1, 2027": RRULE:FREQ=DAILY;UNTIL=20270301T000000Z
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
