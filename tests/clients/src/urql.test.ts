// urql against the running server: queries by GET, mutations by POST.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getOperationAST, OperationTypeNode } from 'graphql';
import { TODOS } from './operations';
import { type Execute, roundTrip, sessionOfNobody } from './round-trip';
import { makeUrql } from './urql';

const methods = new Map<string, string>();
const send = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const kind = String(input).includes('?query=') ? 'query' : 'mutation';
  methods.set(kind, init?.method ?? 'GET');
  return send(input, init);
};

const session = sessionOfNobody();
const client = makeUrql(session);

const execute: Execute = async (document, variables) => {
  const isMutation = getOperationAST(document)?.operation === OperationTypeNode.MUTATION;
  const { data, error } = isMutation
    ? await client.mutation(document, variables)
    : await client.query(document, variables, { requestPolicy: 'network-only' });
  if (error) throw error;
  assert(data);
  return data;
};

roundTrip(session, execute);

test('a list that was read is in the cache until a mutation changes one of its todos', async () => {
  const read = () => client.query(TODOS, { first: 1 });
  await read();
  assert.equal((await read()).operation.context.meta?.cacheOutcome, 'hit');
});

test('queries go by GET and mutations by POST', () => {
  assert.deepEqual(Object.fromEntries(methods), { mutation: 'POST', query: 'GET' });
});
