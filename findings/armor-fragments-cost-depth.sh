#!/usr/bin/env bash
# @escape.tech/graphql-armor-max-depth 2.4.2 and -cost-limit 2.4.3, graphql-depth-limit 1.1.0,
# @graphile/depth-limit 0.3.1, graphql-query-complexity 2.0.0 (npm): how deep and dear is a query?
#
# Expected: libraries may begin to count at 0 or 1, but a fragment changes nothing: it's the same
#   selection, written elsewhere.
# Seen: so for three of them. GraphQL Armor counts a named fragment as two levels (its spread, and
#   its definition) and an inline one as one, and its cost grows by its factor of depth each time:
#   the same fields are depth 3 and cost 8 as one text, 5 and 21 with one fragment at the root.
# Why it matters: a front end that keeps its fields in fragments, as Relay and typed clients do,
#   is refused by a limit that the same operation in GraphiQL is far from; splitting a component
#   in two can break its page.
# What follows: limits count fields where they are spread, and fragments not at all; what a limit
#   counts is in its documentation, with an example.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --legacy-peer-deps --prefix . graphql@16.15.0 \
  @escape.tech/graphql-armor-max-depth@2.4.2 @escape.tech/graphql-armor-cost-limit@2.4.3 \
  graphql-depth-limit@1.1.0 @graphile/depth-limit@0.3.1 graphql-query-complexity@2.0.0 >/dev/null

cat >seen.mjs <<'JS'
import armorCost from "@escape.tech/graphql-armor-cost-limit";
import armorDepth from "@escape.tech/graphql-armor-max-depth";
import graphile from "@graphile/depth-limit";
import { buildSchema, parse, validate } from "graphql";
import depthLimit from "graphql-depth-limit";
import { getComplexity, simpleEstimator } from "graphql-query-complexity";

const schema = buildSchema(`
  type Query { todos: Page } type Page { nodes: [Todo!]! } type Todo { id: ID! }
`);
/** The least limit that lets the document pass. */
function least(document, rule) {
  for (let limit = 0; limit < 100; limit++) {
    try {
      if (validate(schema, document, [rule(limit)]).length === 0) return limit;
    } catch {
      // GraphQL Armor's rules throw what they find.
    }
  }
}
for (const text of [
  "{ todos { nodes { id } } }",
  "{ todos { ... on Page { nodes { id } } } }",
  "{ todos { ...P } } fragment P on Page { nodes { id } }",
  "{ ...Q } fragment Q on Query { todos { nodes { id } } }",
]) {
  const query = parse(text);
  const estimators = [simpleEstimator({ defaultComplexity: 1 })];
  console.log(text);
  console.log(
    `  armor: depth ${least(query, (n) => armorDepth.maxDepthRule({ n }))},`,
    `cost ${least(query, (maxCost) => armorCost.costLimitRule({ maxCost }))};`,
    `graphql-depth-limit ${least(query, (n) => depthLimit(n))},`,
    `graphile ${least(query, (maxDepth) => graphile.depthLimit({ maxDepth }))},`,
    `complexity ${getComplexity({ schema, query, estimators })}`,
  );
}
JS
node seen.mjs >seen.txt

cat >stated.txt <<'TEXT'
{ todos { nodes { id } } }
  armor: depth 3, cost 8; graphql-depth-limit 2, graphile 2, complexity 3
{ todos { ... on Page { nodes { id } } } }
  armor: depth 4, cost 13; graphql-depth-limit 2, graphile 2, complexity 3
{ todos { ...P } } fragment P on Page { nodes { id } }
  armor: depth 5, cost 20; graphql-depth-limit 2, graphile 2, complexity 3
{ ...Q } fragment Q on Query { todos { nodes { id } } }
  armor: depth 5, cost 21; graphql-depth-limit 2, graphile 2, complexity 3
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
