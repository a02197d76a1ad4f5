#!/usr/bin/env bash
# caldav 3.6.0 (PyPI), Todo.complete(handle_rrule=True), against a Radicale 3.9.0 on this machine.
#
# Expected: a repeating todo that is done goes on to the next date of its rule, counted from its
#   start as RFC 5545 says: one due on 31 January at 10:00, monthly, done on 10 February, goes to
#   31 March (or to 28 February), at 10:00.
# Seen: it depends on whether the rule has a BY part. FREQ=MONTHLY goes to 10 March at 13:00: the
#   moment of ticking it becomes the new start, the day and the hour both.
#   FREQ=MONTHLY;BYMONTHDAY=-1 goes to 28 February at 10:00. A date-only todo gets a time of day,
#   and a start with it.
# Why it matters: "rent on the 1st at 9:00", ticked late one evening, is due late on that
#   evening's date ever after, on the phone too; the neighbour with BYMONTHDAY in its rule is not.
# What follows: whether a series counts from its schedule or from its completion is a field of its
#   own, never guessed from a rule's form; an export names BY parts always, so that such clients
#   keep the date.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check caldav==3.6.0 radicale==3.9.0 \
  icalendar==7.3.2 vobject==0.9.9 python-dateutil==2.9.0.post0 recurring-ical-events==3.8.2

cat >seen.py <<'PY'
import logging
import socket
import subprocess
import sys
import time
from datetime import datetime, timezone

import caldav

TODO = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//example//todo//EN\r
BEGIN:VTODO\r
UID:{}\r
DTSTAMP:20270101T000000Z\r
SUMMARY:Rent\r
{}\r
END:VTODO\r
END:VCALENDAR\r
"""
TIMED = "DTSTART:20270131T090000Z\r\nDUE:20270131T100000Z\r\nRRULE:"
DAY = "DUE;VALUE=DATE:20270131\r\nRRULE:"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int) -> None:
    for _ in range(400):
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
    sys.exit("Radicale doesn't answer.")


logging.disable()
port = free_port()
options = {"server-hosts": f"127.0.0.1:{port}", "storage-filesystem-folder": "store"}
options |= {"auth-type": "none", "logging-level": "critical"}
words = [word for name, value in options.items() for word in (f"--{name}", value)]
server = subprocess.Popen([sys.executable, "-m", "radicale", *words], stderr=subprocess.DEVNULL)
try:
    wait_for(port)
    client = caldav.DAVClient(f"http://127.0.0.1:{port}/", username="ada", password="x")
    calendar = client.principal().make_calendar("todos", supported_calendar_component_set=["VTODO"])
    for uid, lines in enumerate(
        (TIMED + "FREQ=MONTHLY", TIMED + "FREQ=MONTHLY;BYMONTHDAY=-1", DAY + "FREQ=MONTHLY")
    ):
        todo = calendar.save_todo(TODO.format(uid, lines))
        done_at = datetime(2027, 2, 10, 12, tzinfo=timezone.utc)
        todo.complete(completion_timestamp=done_at, handle_rrule=True)
        [still_open] = [one.icalendar_component for one in calendar.todos()]
        print(*lines.split("\r\n"))
        print("  goes on:", *(f"{name} {still_open[name].dt}" for name in ("DTSTART", "DUE")))
        for one in calendar.todos(include_completed=True):
            one.delete()
finally:
    server.terminate()
    server.wait()
PY
TZ=UTC env/bin/python -W ignore seen.py >seen.txt

cat >stated.txt <<'TEXT'
DTSTART:20270131T090000Z DUE:20270131T100000Z RRULE:FREQ=MONTHLY
  goes on: DTSTART 2027-03-10 12:00:00+00:00 DUE 2027-03-10 13:00:00+00:00
DTSTART:20270131T090000Z DUE:20270131T100000Z RRULE:FREQ=MONTHLY;BYMONTHDAY=-1
  goes on: DTSTART 2027-02-28 09:00:00+00:00 DUE 2027-02-28 10:00:00+00:00
DUE;VALUE=DATE:20270131 RRULE:FREQ=MONTHLY
  goes on: DTSTART 2027-03-10 12:00:00+00:00 DUE 2027-03-10 12:00:00+00:00
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
