#!/usr/bin/env bash
# uuid7 0.1.0 (PyPI; `from uuid_extensions import uuid7`) beside RFC 9562.
#
# Expected: the package with the name of the thing makes UUIDs of version 7, which sort by time
#   with those of all other makers.
# Seen: they say version 7 and variant RFC, so every check lets them pass, but they follow an
#   early draft (36 bits of seconds first, not 48 bits of milliseconds): what RFC 9562 calls their
#   time is the year 2205 for one made in 2027, and it sorts after one that others make ten years
#   later.
# Why it matters: where clients name new todos themselves, one client's are always "the newest",
#   and they go to the wrong end of an index or a partition by time; a server that reads the time
#   out of an id shows the year 2205.
# What follows: an id of a client's is an identity and nothing else: creation time and order have
#   columns of their own, and a bound on how far in the future an id may be is not to be had for
#   it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check uuid7==0.1.0

cat >seen.py <<'PY'
from datetime import datetime, timezone
from uuid import RFC_4122, UUID

from uuid_extensions import uuid7

AT = datetime(2027, 6, 9, 12, tzinfo=timezone.utc)


def rfc_time(id: UUID) -> str:
    """The Unix time in milliseconds of the first 48 bits, RFC 9562 section 5.7."""
    return f"{datetime.fromtimestamp((id.int >> 80) / 1000, timezone.utc):%Y-%m}"


draft = uuid7(int(AT.timestamp()) * 1_000_000_000)
print("uuid7:", draft.version, draft.variant == RFC_4122, "made in 2027-06, says", rfc_time(draft))
later_ms = int(AT.replace(year=2037).timestamp()) * 1000
ten_years_later = UUID(int=later_ms << 80 | 7 << 76 | 2 << 62)
print("of 2037 by RFC 9562:", ten_years_later.version, rfc_time(ten_years_later))
print("the older one sorts after it:", draft > ten_years_later)
PY
env/bin/python seen.py >seen.txt

cat >stated.txt <<'TEXT'
uuid7: 7 True made in 2027-06, says 2205-04
of 2037 by RFC 9562: 7 2037-06
the older one sorts after it: True
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
