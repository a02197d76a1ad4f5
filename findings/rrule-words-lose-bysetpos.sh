#!/usr/bin/env bash
# rrule 2.8.1 (npm): toText(), and isFullyConvertibleToText(), which tells whether text holds it
# all.
#
# Expected: for BYSETPOS, for which toText() has no words, isFullyConvertibleToText() is false, so
#   that a page can fall back on showing the rule.
# Seen: it is true. The plain RFC 5545 way to say "the last day, or the 31st where there is one",
#   BYMONTHDAY=28,29,30,31;BYSETPOS=-1, reads as four days a month; the last working day of a
#   month reads as every working day ("every month on weekdays"). fromText() of that text then
#   gives a rule with four or some twenty dates a month.
# Why it matters: a page that shows the server's rule with this library tells people that a
#   monthly todo comes four times a month; an "edit as text" field makes it true.
# What follows: a rule with BYSETPOS is put into words by us, for each form that the server
#   stores, never by toText(), and the check is BYSETPOS itself, not isFullyConvertibleToText().
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . rrule@2.8.1 >/dev/null

cat >seen.mjs <<'JS'
import rrule from "rrule";

const { RRule } = rrule;
const rules = [
  "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
  "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
  "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1",
];
const count = (rule) =>
  new RRule({ ...rule.origOptions, dtstart: new Date("2028-01-01T09:00:00Z") }).between(
    new Date("2028-01-01T00:00:00Z"),
    new Date("2029-01-01T00:00:00Z"),
  ).length;
for (const text of rules) {
  const rule = RRule.fromString(text);
  const back = RRule.fromText(rule.toText());
  const fully = rule.isFullyConvertibleToText();
  console.log(`${text}: ${count(rule)} in 2028, fully convertible ${fully}`);
  console.log(`  "${rule.toText()}"`);
  console.log(`  ${back.toString()}: ${count(back)} in 2028`);
}
JS
TZ=UTC node seen.mjs >seen.txt

cat >stated.txt <<'TEXT'
FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1: 12 in 2028, fully convertible true
  "every month on the 28th, 29th, 30th and 31st"
  RRULE:FREQ=MONTHLY;BYMONTHDAY=28,29,30,31: 42 in 2028
FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1: 12 in 2028, fully convertible true
  "every month on weekdays"
  RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR: 260 in 2028
FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1: 1 in 2028, fully convertible true
  "every February on the 28th and 29th"
  RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29: 2 in 2028
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
