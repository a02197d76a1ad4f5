#!/usr/bin/env bash
# croniter 7.0.0 and cronsim 2.8 (PyPI), cron-parser 5.10.6 and croner 11.0.1 (npm), in a zone.
#
# Expected: "30 2 * * *" in Berlin runs once each day: in spring, when 2:30 is skipped, at 3:30
#   (an hour after 1:30, as zoneinfo and JavaScript's Date resolve it) or at 3:00, and in autumn,
#   when 2:30 comes twice, at the first.
# Seen: in spring cron-parser says 3:30, the three others 3:00. In autumn croniter alone runs
#   twice, at 2:30 summer time and at 2:30 winter time, though its spring follows the rule of the
#   cron that runs such jobs once.
# Why it matters: "take the pill at 2:30" is completed and comes back an hour later, once a year;
#   a page that shows the next run and a server that runs it differ by half an hour in spring.
# What follows: occurrences are reckoned on the wall clock by day, one a day, and each has a key
#   (series, day) that makes a second one impossible.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . cron-parser@5.10.6 croner@11.0.1 \
  >/dev/null
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check croniter==7.0.0 cronsim==2.8 tzdata==2026.6

cat >seen.py <<'PY'
from datetime import datetime, timezone
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

zone = ZoneInfo("Europe/Berlin")
for season, month, day in (("spring", 3, 27), ("autumn", 10, 30)):
    start = datetime(2027, month, day, 12, tzinfo=zone)
    for name, runs in (
        ("croniter", croniter("30 2 * * *", start).all_next(datetime)),
        ("cronsim", CronSim("30 2 * * *", start)),
    ):
        found = (run.astimezone(timezone.utc) for run in islice(runs, 3))
        print(f"{season}: {name}:", *(f"{run:%m-%dT%H:%MZ}" for run in found))
PY
cat >seen.mjs <<'JS'
import { CronExpressionParser } from "cron-parser";
import { Cron } from "croner";

const zone = "Europe/Berlin";
const show = (dates) => dates.map((date) => `${date.toISOString().slice(5, 16)}Z`).join(" ");
for (const [season, text] of [
  ["spring", "2027-03-27T11:00:00Z"],
  ["autumn", "2027-10-30T10:00:00Z"],
]) {
  const start = new Date(text);
  const parsed = CronExpressionParser.parse("30 2 * * *", { currentDate: start, tz: zone });
  console.log(`${season}: cron-parser: ${show([1, 2, 3].map(() => parsed.next().toDate()))}`);
  const runs = new Cron("30 2 * * *", { timezone: zone }).nextRuns(3, start);
  console.log(`${season}: croner: ${show(runs)}`);
}
JS
export TZ=UTC
{
  env/bin/python seen.py
  node seen.mjs
} >seen.txt

cat >stated.txt <<'TEXT'
spring: croniter: 03-28T01:00Z 03-29T00:30Z 03-30T00:30Z
spring: cronsim: 03-28T01:00Z 03-29T00:30Z 03-30T00:30Z
autumn: croniter: 10-31T00:30Z 10-31T01:30Z 11-01T01:30Z
autumn: cronsim: 10-31T00:30Z 11-01T01:30Z 11-02T01:30Z
spring: cron-parser: 03-28T01:30Z 03-29T00:30Z 03-30T00:30Z
spring: croner: 03-28T01:00Z 03-29T00:30Z 03-30T00:30Z
autumn: cron-parser: 10-31T00:30Z 11-01T01:30Z 11-02T01:30Z
autumn: croner: 10-31T00:30Z 11-01T01:30Z 11-02T01:30Z
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
