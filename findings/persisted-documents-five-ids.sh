#!/usr/bin/env bash
# One operation with one fragment, as graphql-codegen 7.4.3 (client-preset 6.2.0), Apollo's
# generate-persisted-query-manifest 1.4.0 with @apollo/client 4.3.8, relay-compiler 21.0.1,
# @urql/core 6.0.3 and graphql 16.15.0 (npm) make an id of it.
#
# Expected: Relay's MD5 aside, a persisted operation's id is SHA-256 of the printed document, so
#   that one manifest serves Apollo's client, urql and code made by codegen; at worst __typename
#   differs.
# Seen: five tools, five ids. urql's text and graphql's print() differ in one empty line before
#   the fragment. codegen's is on one line with the fields of objects SORTED, so that a server
#   which executes the manifest's text answers with its fields in another order than the client
#   wrote them. Apollo adds __typename, Relay id, and a final line break. Each id is the hash of
#   its own text.
# Why it matters: a manifest of one tool beside another's client gives "not found" for every
#   operation, and looks like a server's fault; a server that computes ids anew from a reformatted
#   manifest breaks all.
# What follows: ids are taken from the manifest as they are, never computed; each front end brings
#   the manifest of its own tool, and one server may need to hold several ids for one operation.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --legacy-peer-deps --prefix . graphql@16.15.0 \
  @graphql-codegen/cli@7.4.3 @graphql-codegen/client-preset@6.2.0 @apollo/client@4.3.8 \
  rxjs@7.8.2 @apollo/generate-persisted-query-manifest@1.4.0 relay-compiler@21.0.1 \
  @urql/core@6.0.3 typescript@5.9.3 >/dev/null

cat >schema.graphql <<'GRAPHQL'
type Query { todos(first: Int): [Todo!]! }
type Todo { title: String! id: ID! dueAt: String }
GRAPHQL
mkdir relay relay/src codegen
operation='query pageQuery($first: Int) { todos(first: $first) { ...page_todo } }'
fragment='fragment page_todo on Todo { title dueAt }'
echo "import { gql } from '@apollo/client'; gql\`$operation $fragment\`;" >apollo.js
echo "import { graphql } from './codegen';" >codegen.ts
echo "graphql(\`$operation\`); graphql(\`$fragment\`);" >>codegen.ts
echo "graphql\`$operation\`; graphql\`$fragment\`;" >relay/src/page.js
echo '{"documents": ["apollo.js"], "output": "apollo.json"}' >apollo.config.json
echo 'module.exports = { schema: "schema.graphql", documents: ["codegen.ts"], generates: {
  "codegen/": { preset: "client", presetConfig: { persistedDocuments: true } } } };' >codegen.cjs
echo '{"src": "relay/src", "schema": "schema.graphql", "language": "javascript",
  "persistConfig": {"file": "relay.json"}}' >relay.config.json
echo '{}' >relay.json
export PATH="$work/node_modules/.bin:$PATH"
generate-persisted-query-manifest --config apollo.config.json >/dev/null
graphql-codegen --config codegen.cjs --silent >/dev/null
relay-compiler relay.config.json >/dev/null

cat >seen.mjs <<'JS'
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gql, stringifyDocument } from "@urql/core";
import { parse, print } from "graphql";

const [text] = readFileSync("apollo.js", "utf8").match(/(?<=`).*(?=`)/);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const hash = (name, document) => createHash(name).update(document).digest("hex");
const [apollo] = read("apollo.json").operations;
const [[codegenId, codegen]] = Object.entries(read("codegen/persisted-documents.json"));
const [[relayId, relay]] = Object.entries(read("relay.json"));
const printed = print(parse(text));
const urql = stringifyDocument(gql(text));

console.log("graphql, print():", JSON.stringify(printed));
console.log("urql:", JSON.stringify(urql));
console.log("apollo:", JSON.stringify(apollo.body));
console.log("codegen:", JSON.stringify(codegen));
console.log("relay:", JSON.stringify(relay));
console.log("apollo's id is SHA-256 of its text:", apollo.id === hash("sha256", apollo.body));
console.log("codegen's, after 'sha256:':", codegenId === `sha256:${hash("sha256", codegen)}`);
console.log("relay's is MD5:", relayId === hash("md5", relay));
const all = [printed, urql, apollo.body, codegen, relay].map((one) => hash("sha256", one));
console.log("different texts:", new Set(all).size);
JS
node seen.mjs >seen.txt

cat >stated.txt <<'TEXT'
graphql, print(): "query pageQuery($first: Int) {\n  todos(first: $first) {\n    ...page_todo\n  }\n}\n\nfragment page_todo on Todo {\n  title\n  dueAt\n}"
urql: "query pageQuery($first: Int) {\n  todos(first: $first) {\n    ...page_todo\n  }\n}\nfragment page_todo on Todo {\n  title\n  dueAt\n}"
apollo: "query pageQuery($first: Int) {\n  todos(first: $first) {\n    ...page_todo\n    __typename\n  }\n}\n\nfragment page_todo on Todo {\n  title\n  dueAt\n  __typename\n}"
codegen: "fragment page_todo on Todo { dueAt title } query pageQuery($first: Int) { todos(first: $first) { ...page_todo } }"
relay: "query pageQuery(\n  $first: Int\n) {\n  todos(first: $first) {\n    ...page_todo\n    id\n  }\n}\n\nfragment page_todo on Todo {\n  title\n  dueAt\n}\n"
apollo's id is SHA-256 of its text: true
codegen's, after 'sha256:': true
relay's is MD5: true
different texts: 5
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
