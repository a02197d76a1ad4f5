#!/usr/bin/env bash
# gql.tada 1.11.3 (npm) with typescript 5.9.3 and graphql 16.15.0: persisted documents.
#
# Expected: `gql.tada generate-persisted` computes the ids of documents from their texts, or at
#   least refuses an id "sha256:…" in the source that isn't the hash of its text any more; with
#   --fail-on-warn surely.
# Seen: it writes whatever id stands in the source beside the text of today, says that all went
#   well, and does so with --fail-on-warn, too. Only `gql.tada check` mentions that the hash is
#   outdated, as a warning, and ends with 0.
# Why it matters: somebody adds a field and forgets the editor's action that renews the id. After
#   the deployment the applications that people still have open, or installed, send the old id and
#   get the new document: variables that they don't know are missing, fields that they need are gone.
# What follows: a build compares each "sha256:" id with its text, and a deployment refuses a
#   manifest in which an id that was served has another text than before.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . gql.tada@1.11.3 typescript@5.9.3 \
  graphql@16.15.0 >/dev/null

echo 'type Query { todos(first: Int): [Todo!]! } type Todo { id: ID! title: String! }' >schema.graphql
echo '{ "compilerOptions": { "strict": true, "module": "ESNext", "moduleResolution": "bundler",
  "target": "ES2022", "skipLibCheck": true, "plugins": [{ "name": "gql.tada/ts-plugin",
  "schema": "./schema.graphql", "tadaOutputLocation": "./graphql-env.d.ts",
  "tadaPersistedLocation": "./persisted.json" }] }, "files": ["todos.ts"] }' >tsconfig.json
tada="node_modules/.bin/gql.tada"
"$tada" generate-output >/dev/null 2>&1
write() {
  cat >todos.ts <<TS
import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./graphql-env";
const graphql = initGraphQLTada<{ introspection: introspection }>();
const todos = graphql(\`$1\`);
export const persisted = graphql.persisted("sha256:$2", todos);
TS
}
first='query Todos { todos { id } }'
second='query Todos($first: Int!) { todos(first: $first) { id title } }'
id=$(node -p 'const { parse, print } = require("graphql");
  require("crypto").createHash("sha256").update(print(parse(process.argv[1]))).digest("hex")' "$first")
{
  for text in "$first" "$second"; do
    write "$text" "$id"
    "$tada" generate-persisted --fail-on-warn >said.txt 2>&1 && ended=0 || ended=$?
    echo "generate-persisted ends with $ended, warnings: $(grep -ci warn said.txt || true)"
    cat persisted.json
    echo
    "$tada" check >said.txt 2>&1 && ended=0 || ended=$?
    echo "check ends with $ended: $(grep -o 'hash is outdated' said.txt || echo nothing to say)"
  done
} >seen.txt

cat >stated.txt <<'TEXT'
generate-persisted ends with 0, warnings: 0
{
  "sha256:6c1681ab8d7242317df2ece7a06a905dd891e33f30f7993f036f3b7b90b12969": "query Todos {\n  todos {\n    id\n  }\n}"
}
check ends with 0: nothing to say
generate-persisted ends with 0, warnings: 0
{
  "sha256:6c1681ab8d7242317df2ece7a06a905dd891e33f30f7993f036f3b7b90b12969": "query Todos($first: Int!) {\n  todos(first: $first) {\n    id\n    title\n  }\n}"
}
check ends with 0: hash is outdated
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
