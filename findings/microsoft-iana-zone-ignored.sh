#!/usr/bin/env bash
# O365 2.1.10 (PyPI), Task of Microsoft To Do, read from the service's JSON; no network is used.
#
# Expected: a reminder's { dateTime, timeZone } is an instant, whatever the name of the zone:
#   Graph takes Windows names ("Tokyo Standard Time") and IANA names ("Asia/Tokyo") in the same
#   field, and an unknown name would be an error.
# Seen: a Windows name is respected. With an IANA name the zone is thrown away, for a line in the
#   debug log, and the wall clock is taken as the account's own: 9:00 in Tokyo becomes 9:00 in New
#   York, 13 hours later, and is sent back so, as "Eastern Standard Time".
# Why it matters: reminders that another client wrote with IANA names are shown and sent hours
#   off, and one synchronisation writes the wrong hour back for everybody.
# What follows: import maps both kinds of names, and a name that it doesn't know is an error of
#   that row in the report, not the user's zone.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check o365==2.1.10 tzdata==2026.6

cat >seen.py <<'PY'
from O365 import MSGraphProtocol
from O365.tasks import Task

protocol = MSGraphProtocol(timezone="America/New_York")
for zone in ("Tokyo Standard Time", "Asia/Tokyo", "W. Europe Standard Time", "Europe/Berlin"):
    data = {
        "id": "1",
        "title": "Rent",
        "status": "notStarted",
        "importance": "normal",
        "isReminderOn": True,
        "reminderDateTime": {"dateTime": "2027-06-09T09:00:00.0000000", "timeZone": zone},
        "createdDateTime": "2027-01-01T00:00:00Z",
        "lastModifiedDateTime": "2027-01-01T00:00:00Z",
        "body": {"content": "", "contentType": "text"},
    }
    task = Task(con=object(), protocol=protocol, folder_id="f", **{Task._cloud_data_key: data})
    back = task.to_api_data()["reminderDateTime"]
    print(f"09:00 {zone}: {task.reminder}, sent back {back['dateTime']} {back['timeZone']}")
PY
TZ=UTC env/bin/python -W ignore seen.py >seen.txt

cat >stated.txt <<'TEXT'
09:00 Tokyo Standard Time: 2027-06-08 20:00:00-04:00, sent back 2027-06-08T20:00:00 Eastern Standard Time
09:00 Asia/Tokyo: 2027-06-09 09:00:00-04:00, sent back 2027-06-09T09:00:00 Eastern Standard Time
09:00 W. Europe Standard Time: 2027-06-09 03:00:00-04:00, sent back 2027-06-09T03:00:00 Eastern Standard Time
09:00 Europe/Berlin: 2027-06-09 09:00:00-04:00, sent back 2027-06-09T09:00:00 Eastern Standard Time
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
