#!/usr/bin/env bash
# jstodotxt 0.10.0 (npm), pytodotxt 3.1.0 and topydo 0.16 (PyPI), on todo.txt, whose rule for a
# done todo is a lower-case x and a space at the start of the line; the dates after it are
# optional.
#
# Expected: "x Buy milk" is done, for all; and a todo that is marked done through the library is
#   written with an x.
# Seen: for jstodotxt it's open and named "x Buy milk", since it wants a date there; setting
#   `complete = true` writes the line WITHOUT an x, so what was done is open again after saving.
#   "X 2027-01-02 …", open by the format, is done for jstodotxt alone. Both Python libraries hold
#   to the format. Besides, jstodotxt moves each @context and +project to the end of the line:
#   "Call @mum about +party cake" becomes "Call  about  cake +party @mum".
# Why it matters: one file in a shared folder, ticked on the phone and opened in a page, has other
#   open todos in each, and saving in one undoes the other.
# What follows: import by the format alone; export writes the completion date always, which all
#   three read as done.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . jstodotxt@0.10.0 >/dev/null
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pytodotxt==3.1.0 topydo==0.16

cat >seen.mjs <<'JS'
import todotxt from "jstodotxt";

const { TodoTxtItem } = todotxt;
for (const line of ["x Buy milk", "x 2027-01-02 Buy milk", "X 2027-01-02 Buy milk"]) {
  const item = new TodoTxtItem(line);
  console.log(`jstodotxt: ${line}: ${item.complete ? "done" : "open"}, "${item.text}"`);
}
const item = new TodoTxtItem("(A) Buy milk");
item.complete = true;
console.log(`jstodotxt: complete = true: ${item.toString()}`);
console.log(`jstodotxt: ${new TodoTxtItem("Call @mum about +party cake").toString()}`);
JS
cat >seen.py <<'PY'
import pytodotxt
from topydo.lib.Todo import Todo

for line in ("x Buy milk", "x 2027-01-02 Buy milk", "X 2027-01-02 Buy milk"):
    first, second = pytodotxt.Task(line), Todo(line)
    print(f"pytodotxt: {line}: {'done' if first.is_completed else 'open'}, \"{first.description}\"")
    print(f"topydo: {line}: {'done' if second.is_completed() else 'open'}, \"{second.text()}\"")
PY
export TZ=UTC
{
  node seen.mjs
  env/bin/python seen.py
} >seen.txt

cat >stated.txt <<'TEXT'
jstodotxt: x Buy milk: open, "x Buy milk"
jstodotxt: x 2027-01-02 Buy milk: done, "Buy milk"
jstodotxt: X 2027-01-02 Buy milk: done, "Buy milk"
jstodotxt: complete = true: (A) Buy milk
jstodotxt: Call  about  cake +party @mum
pytodotxt: x Buy milk: done, "Buy milk"
topydo: x Buy milk: done, "Buy milk"
pytodotxt: x 2027-01-02 Buy milk: done, "Buy milk"
topydo: x 2027-01-02 Buy milk: done, "Buy milk"
pytodotxt: X 2027-01-02 Buy milk: open, "X 2027-01-02 Buy milk"
topydo: X 2027-01-02 Buy milk: open, "X 2027-01-02 Buy milk"
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
