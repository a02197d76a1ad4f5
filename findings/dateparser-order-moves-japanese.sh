#!/usr/bin/env bash
# dateparser 1.5.0 (PyPI), with an explicit DATE_ORDER, which is for dates that could be read both
# ways, such as 04/05.
#
# Expected: 1月4日 is 4 January, whatever the order: 月 says "month" and 日 says "day". So is 4 Jan,
#   where the order makes no difference.
# Seen: with DATE_ORDER=DMY, 1月4日 is the first of April, and 1月25日 the first of November. With a year
#   before it, and in Korean, which is written alike, it is 4 January.
# Why it matters: one setting for all users, chosen for Europe's dates, moves all dates without a year
#   of those who write Japanese, by months, without an error.
# What follows: no DATE_ORDER, and each text in its own language; what is ambiguous is refused.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check dateparser==1.5.0 tzdata==2026.6

cat >seen.py <<'PY'
from datetime import datetime

from dateparser import parse

texts = (("1月4日", "ja"), ("1月25日", "ja"), ("2026年1月4日", "ja"), ("1월 4일", "ko"), ("4 Jan", "en"))
for text, language in texts:
    for order in ({}, {"DATE_ORDER": "DMY"}):
        settings = {"RELATIVE_BASE": datetime(2026, 11, 15), **order}
        read = parse(text, languages=[language], settings=settings)
        print(f"{text}, {order.get('DATE_ORDER', 'no order')}: {read:%d %B}")
PY
env/bin/python -W ignore seen.py >seen.txt

cat >stated.txt <<'TEXT'
1月4日, no order: 04 January
1月4日, DMY: 01 April
1月25日, no order: 25 January
1月25日, DMY: 01 November
2026年1月4日, no order: 04 January
2026年1月4日, DMY: 04 January
1월 4일, no order: 04 January
1월 4일, DMY: 04 January
4 Jan, no order: 04 January
4 Jan, DMY: 04 January
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
