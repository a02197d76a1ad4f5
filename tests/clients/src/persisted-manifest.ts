// Prints the documents of operations.ts by their ids: those of graphql-codegen, and the hashes that
// Apollo Client and urql compute themselves.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InMemoryCache } from '@apollo/client';
import { createRequest, formatDocument, stringifyDocument } from '@urql/core';
import { print } from 'graphql';
import { CHANGES, CREATE, REGISTER, VIEWER } from './operations';

const codegen = new URL('./__generated__/persisted-documents.json', import.meta.url);
const manifest = JSON.parse(readFileSync(codegen, 'utf8')) as Record<string, string>;
const cache = new InMemoryCache();
for (const document of [CHANGES, CREATE, REGISTER, VIEWER]) {
  const ofUrql = stringifyDocument(formatDocument(createRequest(document as never, {}).query));
  for (const text of [print(cache.transformDocument(document)), ofUrql]) {
    manifest[createHash('sha256').update(text).digest('hex')] = text;
  }
}
console.log(JSON.stringify(manifest));
