#!/usr/bin/env bash
# ts-ics 2.4.6 (npm), which reads and writes iCalendar with VTODO.
#
# Expected: a todo's reminder (VALARM) is read as it is for an event, or is left out.
# Seen: for an event it's under `alarms`. For a todo the alarm's own lines are taken for the
#   todo's: its SUMMARY becomes the todo's title, its DESCRIPTION the todo's notes, its DURATION
#   the todo's length, beside a DUE, which RFC 5545 forbids; its TRIGGER is lost. Written back,
#   the file has no alarm, and the original title and notes are gone.
# Why it matters: each VALARM with ACTION:DISPLAY must have a DESCRIPTION, so every todo with a
#   reminder has its notes replaced by its client's set phrase, such as "Reminder", and e-mail
#   reminders, which must have a SUMMARY, replace the title.
# What follows: a two-way synchronisation never goes through it; our own export is read back and
#   compared by another reader.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . ts-ics@2.4.6 >/dev/null

cat >seen.mjs <<'JS'
import { convertIcsCalendar, generateIcsCalendar } from "ts-ics";

const calendar = (component, when) =>
  `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//todo//EN
BEGIN:${component}
UID:1
DTSTAMP:20270101T000000Z
SUMMARY:Pay the rent
DESCRIPTION:To the new account
${when}:20270601T100000Z
BEGIN:VALARM
ACTION:EMAIL
ATTENDEE:mailto:ada@example.com
SUMMARY:Reminder
DESCRIPTION:This is a reminder
DURATION:PT5M
REPEAT:2
TRIGGER:-PT15M
END:VALARM
END:${component}
END:VCALENDAR
`.replaceAll("\n", "\r\n");

for (const [component, when, list] of [
  ["VEVENT", "DTSTART", "events"],
  ["VTODO", "DUE", "todos"],
]) {
  const read = convertIcsCalendar(undefined, calendar(component, when));
  const [{ summary, description, duration, alarms }] = read[list];
  console.log(`${component}: "${summary}", "${description}", alarms ${alarms?.length ?? 0},`);
  console.log(`  duration ${JSON.stringify(duration)}`);
  const written = generateIcsCalendar(read);
  console.log(
    `  written back: original title ${written.includes("Pay the rent")},`,
    `notes ${written.includes("To the new account")}, alarm ${written.includes("BEGIN:VALARM")}`,
  );
}
JS
TZ=UTC node seen.mjs >seen.txt

cat >stated.txt <<'TEXT'
VEVENT: "Pay the rent", "To the new account", alarms 1,
  duration undefined
  written back: original title true, notes true, alarm true
VTODO: "Reminder", "This is a reminder", alarms 0,
  duration {"minutes":5}
  written back: original title false, notes false, alarm false
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
