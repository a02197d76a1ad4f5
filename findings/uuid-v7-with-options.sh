#!/usr/bin/env bash
# uuid 14.0.3 (npm), v7(), beside uuidv7 1.2.1 (npm).
#
# Expected: v7() counts within a millisecond, so its ids rise in the order of the calls; with v7({
#   msecs }), which sets the time only, they rise too.
# Seen: v7() rises strictly. With any options there is no counter: each bit below the millisecond
#   is random, and about half of the ids made in one millisecond come before the one made just
#   before them. Only with `seq` given by the caller do they rise again.
# Why it matters: a client that makes todos in bulk and gives them times of its own (an import, a
#   test with a fixed clock), or passes options through, loses the order that it saw without.
# What follows: no order is taken from ids that clients send; whoever needs one sends it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . uuid@14.0.3 uuidv7@1.2.1 >/dev/null

cat >seen.mjs <<'JS'
import { v7 } from "uuid";
import { uuidv7 } from "uuidv7";

const msecs = Date.parse("2027-06-09T12:00:00Z");
function order(make) {
  const ids = Array.from({ length: 20000 }, (_, place) => make(place));
  const falls = ids.filter((id, place) => place > 0 && id <= ids[place - 1]).length;
  if (falls === 0) return "rises strictly";
  return falls > 9000 && falls < 11000 ? "about half fall" : `${falls} of 20000 fall`;
}
console.log("uuid v7():", order(() => v7()));
console.log("uuidv7():", order(() => uuidv7()));
console.log("uuid v7({ msecs }):", order(() => v7({ msecs })));
console.log("uuid v7({ msecs, seq }):", order((seq) => v7({ msecs, seq })));
JS
node seen.mjs >seen.txt

cat >stated.txt <<'TEXT'
uuid v7(): rises strictly
uuidv7(): rises strictly
uuid v7({ msecs }): about half fall
uuid v7({ msecs, seq }): rises strictly
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
