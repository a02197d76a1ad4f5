#!/usr/bin/env bash
# croniter 7.0.0, cronsim 2.8 and cron-converter 2.0.2 (PyPI), cron-parser 5.10.6 and croner
# 11.0.1 (npm): readers of cron expressions.
#
# Expected: one dialect for five fields: where both the day of the month and the weekday are
#   restricted, either is enough, as in every manual page. And six fields put the seconds first.
# Seen: "0 9 */2 * 1" is "odd days or Mondays" for croniter, cron-parser and croner, but "Mondays
#   that are odd days" for cronsim and cron-converter (as in the original cron, where a field that
#   begins with a star counts as one). "0 9 1 * 1" is "the 1st or Mondays", but for cron-converter
#   "the 1st if it's a Monday", three times in 2027. With six fields "0 0 9 * * *" is 9:00 daily
#   in cronsim, cron-parser and croner; croniter's seconds come LAST: each second of the first
#   minute of the 9th of each month.
# Why it matters: a repeat imported from another todo tool, or a job's schedule that a page
#   previews in JavaScript and a server runs in Python, has other days in each.
# What follows: no cron expression in an API or an import; a schedule is a rule of RFC 5545, and
#   one that has to be read is refused where both day fields are given or there are six.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . cron-parser@5.10.6 croner@11.0.1 \
  >/dev/null
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check croniter==7.0.0 cronsim==2.8 \
  cron-converter==2.0.2

cat >seen.py <<'PY'
from datetime import datetime, timezone
from itertools import islice

from cron_converter import Cron
from croniter import croniter
from cronsim import CronSim

start = datetime(2026, 12, 31, 12, tzinfo=timezone.utc)


def converter(expression):
    schedule = Cron(expression).schedule(start)
    while True:
        yield schedule.next()


for expression in ("0 9 */2 * 1", "0 9 1 * 1", "0 0 9 * * *"):
    for name, runs in (
        ("croniter", lambda text: croniter(text, start).all_next(datetime)),
        ("cronsim", lambda text: CronSim(text, start)),
        ("cron-converter", converter),
    ):
        try:
            found = " ".join(f"{run:%m-%dT%H:%M:%S}" for run in islice(runs(expression), 4))
        except ValueError as error:
            found = f"raises {error}"
        print(f"{expression}: {name}: {found}")
PY
cat >seen.mjs <<'JS'
import { CronExpressionParser } from "cron-parser";
import { Cron } from "croner";

const start = new Date("2026-12-31T12:00:00Z");
const show = (dates) => dates.map((date) => date.toISOString().slice(5, 19)).join(" ");
for (const expression of ["0 9 */2 * 1", "0 9 1 * 1", "0 0 9 * * *"]) {
  const parsed = CronExpressionParser.parse(expression, { currentDate: start, tz: "UTC" });
  const first = Array.from({ length: 4 }, () => parsed.next().toDate());
  const second = new Cron(expression, { timezone: "UTC" }).nextRuns(4, start);
  console.log(`${expression}: cron-parser: ${show(first)}`);
  console.log(`${expression}: croner: ${show(second)}`);
}
JS
export TZ=UTC
{
  env/bin/python seen.py
  node seen.mjs
} >seen.txt

cat >stated.txt <<'TEXT'
0 9 */2 * 1: croniter: 01-01T09:00:00 01-03T09:00:00 01-04T09:00:00 01-05T09:00:00
0 9 */2 * 1: cronsim: 01-11T09:00:00 01-25T09:00:00 02-01T09:00:00 02-15T09:00:00
0 9 */2 * 1: cron-converter: 01-11T09:00:00 01-25T09:00:00 02-01T09:00:00 02-15T09:00:00
0 9 1 * 1: croniter: 01-01T09:00:00 01-04T09:00:00 01-11T09:00:00 01-18T09:00:00
0 9 1 * 1: cronsim: 01-01T09:00:00 01-04T09:00:00 01-11T09:00:00 01-18T09:00:00
0 9 1 * 1: cron-converter: 02-01T09:00:00 03-01T09:00:00 11-01T09:00:00 05-01T09:00:00
0 0 9 * * *: croniter: 01-09T00:00:00 01-09T00:00:01 01-09T00:00:02 01-09T00:00:03
0 0 9 * * *: cronsim: 01-01T09:00:00 01-02T09:00:00 01-03T09:00:00 01-04T09:00:00
0 0 9 * * *: cron-converter: raises Invalid cron string format
0 9 */2 * 1: cron-parser: 01-01T09:00:00 01-03T09:00:00 01-04T09:00:00 01-05T09:00:00
0 9 */2 * 1: croner: 01-01T09:00:00 01-03T09:00:00 01-04T09:00:00 01-05T09:00:00
0 9 1 * 1: cron-parser: 01-01T09:00:00 01-04T09:00:00 01-11T09:00:00 01-18T09:00:00
0 9 1 * 1: croner: 01-01T09:00:00 01-04T09:00:00 01-11T09:00:00 01-18T09:00:00
0 0 9 * * *: cron-parser: 01-01T09:00:00 01-02T09:00:00 01-03T09:00:00 01-04T09:00:00
0 0 9 * * *: croner: 01-01T09:00:00 01-02T09:00:00 01-03T09:00:00 01-04T09:00:00
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
