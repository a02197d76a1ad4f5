#!/usr/bin/env bash
# remark-gfm 4.0.1 and markdown-it-task-lists 2.1.1 (npm), mdit-py-plugins 0.7.0 (PyPI, a port of
# the latter), on GitHub's task lists: after the box comes white space, of any kind.
#
# Expected: "- [x]" and a tab is a done task in all, or a plain item in all but remark-gfm; a port
#   does as its original.
# Seen: three answers. remark-gfm: a done task. markdown-it-task-lists: a plain item "[x] done".
#   The Python port: an item with the class of a task, whose "[x]" is cut off, and no checkbox:
#   nobody can tell whether it's done, nor tick it. The same where a line break follows the box.
# Why it matters: a description with a checklist, pasted from a spreadsheet or an outliner, which
#   put tabs there, loses what was done when a server renders it for a mail or a page.
# What follows: whatever counts or renders a checklist puts one space after the box first, and
#   progress comes from subtasks, not from Markdown.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . remark-parse@11.0.0 remark-gfm@4.0.1 \
  unified@11.0.5 markdown-it@14.1.0 markdown-it-task-lists@2.1.1 >/dev/null
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check markdown-it-py==4.3.0 mdit-py-plugins==0.7.0

cat >seen.mjs <<'JS'
import MarkdownIt from "markdown-it";
import taskLists from "markdown-it-task-lists";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import { unified } from "unified";

const markdown = new MarkdownIt().use(taskLists);
for (const text of ["- [x] done", "- [x]\tdone", "- [x]\n  done"]) {
  const item = unified().use(remarkParse).use(remarkGfm).parse(text).children[0].children[0];
  console.log(`remark-gfm: ${JSON.stringify(text)}: checked ${item.checked}`);
  const html = markdown.render(text);
  console.log(
    `markdown-it-task-lists: ${JSON.stringify(text)}: task ${html.includes("task-list-item")},`,
    `box ${html.includes("<input")}, text kept ${html.includes("[x]")}`,
  );
}
JS
cat >seen.py <<'PY'
import json

from markdown_it import MarkdownIt
from mdit_py_plugins.tasklists import tasklists_plugin

for text in ("- [x] done", "- [x]\tdone", "- [x]\n  done"):
    html = MarkdownIt().use(tasklists_plugin).render(text)
    seen = {
        "task": "task-list-item" in html, "box": "<input" in html, "text kept": "[x]" in html
    }
    print(f"mdit-py-plugins: {json.dumps(text)}:", *(f"{k} {v}".lower() for k, v in seen.items()))
PY
{
  node seen.mjs
  env/bin/python seen.py
} >seen.txt

cat >stated.txt <<'TEXT'
remark-gfm: "- [x] done": checked true
markdown-it-task-lists: "- [x] done": task true, box true, text kept false
remark-gfm: "- [x]\tdone": checked true
markdown-it-task-lists: "- [x]\tdone": task false, box false, text kept true
remark-gfm: "- [x]\n  done": checked true
markdown-it-task-lists: "- [x]\n  done": task false, box false, text kept true
mdit-py-plugins: "- [x] done": task true box true text kept false
mdit-py-plugins: "- [x]\tdone": task true box false text kept false
mdit-py-plugins: "- [x]\n  done": task true box false text kept false
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
