#!/usr/bin/env bash
# pytodotxt 3.1.0 (PyPI), on todo.txt, whose done todos begin with "x" and the day of completion, and
# after it, if it is known, the day of creation.
#
# Expected: a line that is read and written is the same line.
# Seen: a done todo with one date, the usual one, is written without it, though it was read as the day
#   of completion. With both dates it keeps them. Besides, a time of day is an attribute: "Meet at
#   10:30" has the key "10".
# Why it matters: whoever opens a file, changes one todo and saves loses the days on which all others
#   were done; lists "done this week" are empty from then on.
# What follows: a reader and a writer of our own; the export writes both dates always.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pytodotxt==3.1.0

cat >seen.py <<'PY'
from pytodotxt import Task

for line in ("x 2027-01-02 Buy milk", "x 2027-01-02 2027-01-01 Buy milk", "Meet at 10:30"):
    task = Task(line)
    print(f"{line}: {task}; completed {task.completion_date}, attributes {task.attributes}")
PY
env/bin/python seen.py >seen.txt

cat >stated.txt <<'TEXT'
x 2027-01-02 Buy milk: x Buy milk; completed 2027-01-02, attributes {}
x 2027-01-02 2027-01-01 Buy milk: x 2027-01-02 2027-01-01 Buy milk; completed 2027-01-02, attributes {}
Meet at 10:30: Meet at 10:30; completed None, attributes {'10': ['30']}
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
