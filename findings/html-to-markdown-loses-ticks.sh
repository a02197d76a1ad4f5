#!/usr/bin/env bash
# markdownify 1.2.3 and html2text 2025.4.15 (PyPI), on a task list as TipTap writes it, the editor of
# Vikunja and others; GitHub's Markdown has the same as "- [x]" and "- [ ]".
#
# Expected: one item is ticked, the other isn't, in Markdown, too.
# Seen: both are plain items. The ticks are gone, and with them what was done; there is no warning.
# Why it matters: descriptions of todos are where people keep small lists to tick off. After moving to
#   a server that has Markdown, all of them are open again, or done: nobody can tell.
# What follows: our own converter reads data-checked.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check markdownify==1.2.3 html2text==2025.4.15

cat >seen.py <<'PY'
from html2text import html2text
from markdownify import markdownify

ITEM = (
    '<li data-checked="{}" data-type="taskItem"><label><input type="checkbox"{}><span></span></label>'
    "<div><p>{}</p></div></li>"
)
items = ITEM.format("true", ' checked="checked"', "Sow") + ITEM.format("false", "", "Water")
page = f'<ul data-type="taskList">{items}</ul>'
for convert in (markdownify, html2text):
    print(f"{convert.__name__}:", *(line.strip() for line in convert(page).splitlines() if line.strip()))
PY
env/bin/python seen.py >seen.txt

cat >stated.txt <<'TEXT'
markdownify: * Sow * Water
html2text: * Sow * Water
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
