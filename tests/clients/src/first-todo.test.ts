// The README's first todo, created on the running server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, fetchExchange } from '@urql/core';
import { firstTodo } from './first-todo';
import { sessionOfNobody, signUp } from './round-trip';

const session = sessionOfNobody();
const client = new Client({ url: session.url, exchanges: [fetchExchange] });

test('the first todo is created, with its type', async () => {
  await signUp(session, async (document, variables) => {
    const { data, error } = await client.mutation(document, variables);
    if (error) throw error;
    assert(data);
    return data;
  });
  const created = await firstTodo(session.url, session.tokens?.accessToken ?? '');
  const title: string | undefined = created?.todo?.title;
  assert.equal(title, 'Water the plants');
  assert.deepEqual(created?.errors, []);
});

test('without a good token it rejects', async () => {
  await assert.rejects(firstTodo(session.url, 'none'), /UNAUTHENTICATED|sign in|token/i);
});
