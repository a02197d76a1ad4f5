#!/usr/bin/env bash
# orga 4.7.1 (npm) beside orgparse 0.5.20260926 (PyPI), on Org's repeaters, warnings and
# checkboxes.
#
# Expected: a reader that knows nothing of repeaters ("+1w") or warning periods ("-2d") still
#   gives the date before them. And "[-]", some of the children done, is not "[X]".
# Seen: orga gives no date at all for a SCHEDULED or DEADLINE with either, as if none had been
#   read (the planning node is there, without a timestamp), and its box "[-]" is checked: true.
# Why it matters: an import keeps every date but those of repeating todos, which matter most, and
#   what is half done arrives as done, so nobody looks at it again.
# What follows: a planning line without a date is an error of the import's report, never "no due";
#   only "[X]" and "[x]" are done.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . orga@4.7.1 >/dev/null
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check orgparse==0.5.20260926

cat >seen.mjs <<'JS'
import { parse } from "orga";

function found(node, type) {
  const inside = (node.children ?? []).flatMap((child) => found(child, type));
  return node.type === type ? [node, ...inside] : inside;
}
for (const stamp of ["2027-03-01 Mon", "2027-03-01 Mon +1w", "2027-03-01 Mon -2d"]) {
  const [planning] = found(parse(`* TODO Sow\nSCHEDULED: <${stamp}>\n`), "planning");
  const date = planning.timestamp?.date.toISOString().slice(0, 10) ?? "no date";
  console.log(`orga: <${stamp}>: ${planning.keyword}, ${date}`);
}
for (const box of ["[ ]", "[-]", "[X]"]) {
  const [{ checked }] = found(parse(`* TODO Sow\n- ${box} Beans\n`), "list.item.checkbox");
  console.log(`orga: ${box}: checked ${checked}`);
}
JS
cat >seen.py <<'PY'
import orgparse

for stamp in ("2027-03-01 Mon", "2027-03-01 Mon +1w", "2027-03-01 Mon -2d"):
    node = orgparse.loads(f"* TODO Sow\nSCHEDULED: <{stamp}>\n")[1]
    print(f"orgparse: <{stamp}>: {node.scheduled.start}")
PY
export TZ=UTC
{
  node seen.mjs
  env/bin/python seen.py
} >seen.txt

cat >stated.txt <<'TEXT'
orga: <2027-03-01 Mon>: SCHEDULED, 2027-03-01
orga: <2027-03-01 Mon +1w>: SCHEDULED, no date
orga: <2027-03-01 Mon -2d>: SCHEDULED, no date
orga: [ ]: checked false
orga: [-]: checked true
orga: [X]: checked true
orgparse: <2027-03-01 Mon>: 2027-03-01
orgparse: <2027-03-01 Mon +1w>: 2027-03-01
orgparse: <2027-03-01 Mon -2d>: 2027-03-01
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
