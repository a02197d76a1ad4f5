#!/usr/bin/env bash
# uniorg-parse 3.2.2 and orga 4.7.1 (npm), orgparse 0.5.20260926 (PyPI), on an Org file that names
# its own states in its first line, as most files with more states than two do.
#
# Expected: "#+TODO: TODO NEXT | DONE CANCELED" is part of the format, so that all three know NEXT
#   as open and CANCELED as done, as Org does. uniorg, which builds the tree that Org itself has,
#   surely.
# Seen: orgparse and orga do. For uniorg a NEXT or CANCELED heading is no todo at all but a
#   heading whose title begins with that word; it knows TODO and DONE, and others only where the
#   caller names them in an option. The line itself is in its tree, unread.
# Why it matters: an import through uniorg loses the todos in hand and the cancelled ones,
#   silently, and the files of those who use TODO and DONE alone never show it.
# What follows: read "#+TODO:", "#+SEQ_TODO:" and "#+TYP_TODO:" lines first and hand their words
#   over, or count the headings that begin with a word in capitals and report them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . uniorg-parse@3.2.2 \
  orga@4.7.1 >/dev/null
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check orgparse==0.5.20260926

cat >todo.org <<'ORG'
#+TODO: TODO NEXT | DONE CANCELED
* TODO Sow
* NEXT Water
* CANCELED Mow
ORG
cat >seen.mjs <<'JS'
import { readFileSync } from "node:fs";
import { parse as orga } from "orga";
import { parse as uniorg } from "uniorg-parse/lib/parser.js";

const text = readFileSync("todo.org", "utf8");
function headlines(node) {
  const inside = (node.children ?? []).flatMap(headlines);
  return node.type === "headline" ? [node, ...inside] : inside;
}
for (const { todoKeyword, rawValue } of headlines(uniorg(text)))
  console.log(`uniorg: ${todoKeyword}, title "${rawValue}"`);
const todoKeywords = ["TODO", "NEXT", "DONE", "CANCELED"];
for (const { todoKeyword, rawValue } of headlines(uniorg(text, { todoKeywords })))
  console.log(`uniorg, told: ${todoKeyword}, title "${rawValue}"`);
for (const { keyword, actionable } of headlines(orga(text)))
  console.log(`orga: ${keyword}, ${actionable ? "open" : "done"}`);
JS
cat >seen.py <<'PY'
import orgparse

root = orgparse.load("todo.org")
for node in root[1:]:
    state = "done" if node.todo in root.env.done_keys else "open"
    print(f'orgparse: {node.todo}, {state}, title "{node.heading}"')
PY
export TZ=UTC
{
  node seen.mjs
  env/bin/python seen.py
} >seen.txt

cat >stated.txt <<'TEXT'
uniorg: TODO, title "Sow"
uniorg: null, title "NEXT Water"
uniorg: null, title "CANCELED Mow"
uniorg, told: TODO, title "Sow"
uniorg, told: NEXT, title "Water"
uniorg, told: CANCELED, title "Mow"
orga: TODO, open
orga: NEXT, open
orga: CANCELED, done
orgparse: TODO, open, title "Sow"
orgparse: NEXT, open, title "Water"
orgparse: CANCELED, done, title "Mow"
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
