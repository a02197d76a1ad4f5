#!/usr/bin/env bash
# iso8601-duration 2.1.4 and tinyduration 3.4.1 (npm), aniso8601 10.0.1, pendulum 3.3.0 and
# isodate 0.7.2 (PyPI): the reminder offset -PT15M, as RFC 5545 (TRIGGER), Temporal and XML Schema
# write it.
#
# Expected: a reader gives minus fifteen minutes, or raises. One that reads "P1W2D" or "P1M" needs
#   no second look.
# Seen: iso8601-duration gives PLUS fifteen minutes without an error, in parse() and in end(): its
#   grammar begins at the P, wherever that stands. tinyduration keeps it. aniso8601 and pendulum
#   raise, isodate keeps it. Besides, "P1M" is 30 days for aniso8601, and "P1W2D" raises in
#   aniso8601 and pendulum.
# Why it matters: a reminder "15 minutes before" goes off 15 minutes after, in the clients whose
#   authors chose the most downloaded reader of ISO durations on npm.
# What follows: an API that takes and gives signed offsets says so with an example, and its
#   clients' documentation names a reader that keeps the sign.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . iso8601-duration@2.1.4 \
  tinyduration@3.4.1 >/dev/null
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check aniso8601==10.0.1 pendulum==3.3.0 \
  isodate==0.7.2

cat >seen.mjs <<'JS'
import iso from "iso8601-duration";
import { parse } from "tinyduration";

const due = new Date("2027-06-09T12:00:00Z");
for (const text of ["PT15M", "-PT15M", "-P1D"]) {
  const { days, hours, minutes } = iso.parse(text);
  console.log(
    `iso8601-duration: ${text}: days ${days}, hours ${hours}, minutes ${minutes};`,
    `12:00 becomes ${iso.end(iso.parse(text), due).toISOString().slice(5, 16)}`,
  );
  console.log(`tinyduration: ${text}: ${JSON.stringify(parse(text))}`);
}
JS
cat >seen.py <<'PY'
import aniso8601
import isodate
import pendulum

for name, read in (
    ("aniso8601", aniso8601.parse_duration),
    ("pendulum", pendulum.parse),
    ("isodate", isodate.parse_duration),
):
    for text in ("-PT15M", "P1M", "P1W2D"):
        try:
            print(f"{name}: {text}: {read(text)}")
        except Exception as error:
            print(f"{name}: {text}: raises {type(error).__name__}")
PY
{
  node seen.mjs
  env/bin/python seen.py
} >seen.txt

cat >stated.txt <<'TEXT'
iso8601-duration: PT15M: days 0, hours 0, minutes 15; 12:00 becomes 06-09T12:15
tinyduration: PT15M: {"minutes":15}
iso8601-duration: -PT15M: days 0, hours 0, minutes 15; 12:00 becomes 06-09T12:15
tinyduration: -PT15M: {"minutes":15,"negative":true}
iso8601-duration: -P1D: days 1, hours 0, minutes 0; 12:00 becomes 06-10T12:00
tinyduration: -P1D: {"days":1,"negative":true}
aniso8601: -PT15M: raises ISOFormatError
aniso8601: P1M: 30 days, 0:00:00
aniso8601: P1W2D: raises ISOFormatError
pendulum: -PT15M: raises ParserError
pendulum: P1M: 1 month
pendulum: P1W2D: raises ParserError
isodate: -PT15M: -1 day, 23:45:00
isodate: P1M: 1 month, 0:00:00
isodate: P1W2D: 9 days, 0:00:00
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
