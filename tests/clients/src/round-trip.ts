// A day of somebody with todos, through whatever client executes the operations.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { unmask } from './__generated__';
import type { TodoUpdateInput } from './__generated__/graphql';
import {
  COMPLETE_MANY,
  CREATE,
  ERROR_PARTS,
  REGISTER,
  TODO_PARTS,
  TODOS,
  UPDATE,
  VIEWER,
} from './operations';
import type { Session } from './session';
import { storedOf } from './stored';

/** Gives an operation's data; rejects when the answer has top-level errors. */
export type Execute = <Result, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
) => Promise<Result>;

/** A session of nobody yet, with the server that the environment names. */
export function sessionOfNobody(): Session {
  const url = process.env['TODO_URL'];
  assert(url, 'TODO_URL names the server');
  return { url, tokens: null };
}

/** Registers somebody new, and signs the session in. */
export async function signUp(session: Session, execute: Execute): Promise<string> {
  const username = `ada-${randomUUID().slice(0, 8)}`;
  const { register } = await execute(REGISTER, {
    input: { username, email: `${username}@example.com`, password: 'Correct1horse' },
  });
  assert.deepEqual(register?.errors, []);
  session.tokens = register?.tokens ?? null;
  return username;
}

/** Tests that go one after the other, in one new account. */
export function roundTrip(session: Session, execute: Execute): void {
  const ids = Array.from({ length: 5 }, () => randomUUID());
  const [first = '', second = '', ...others] = ids;
  let username = '';

  async function update(input: TodoUpdateInput, expectedVersion?: number) {
    const { todoUpdate } = await execute(UPDATE, {
      id: first,
      input,
      ...(expectedVersion !== undefined && { expectedVersion }),
    });
    assert(todoUpdate);
    return {
      todo: unmask(TODO_PARTS, todoUpdate.todo),
      errors: unmask(ERROR_PARTS, todoUpdate.errors),
      stored: storedOf(todoUpdate.errors),
    };
  }

  test('register signs in', async () => {
    username = await signUp(session, execute);
    const { viewer } = await execute(VIEWER, {});
    assert.equal(viewer?.username, username);
  });

  test('create takes ids of the client', async () => {
    for (const [index, id] of ids.entries()) {
      const input = { id, title: `Todo ${index}`, description: 'Kept', tags: ['home'] };
      const { todoCreate } = await execute(CREATE, { input });
      assert.equal(todoCreate?.todo?.id, id);
      assert.deepEqual(todoCreate.errors, []);
    }
  });

  test('the same create again gives ALREADY_EXISTS with what is stored', async () => {
    const { todoCreate } = await execute(CREATE, { input: { id: first, title: 'Todo 0' } });
    const [error] = unmask(ERROR_PARTS, todoCreate?.errors ?? []);
    assert.equal(error?.code, 'ALREADY_EXISTS');
    assert(error.__typename === 'ConflictError' && error.current?.__typename === 'Todo');
    assert.equal(unmask(TODO_PARTS, error.current).title, 'Todo 0');
  });

  test('a title that is too long is data, with its code and path', async () => {
    const { todoCreate } = await execute(CREATE, { input: { title: 'x'.repeat(201) } });
    assert.equal(todoCreate?.todo, null);
    const [error] = unmask(ERROR_PARTS, todoCreate.errors);
    assert.equal(error?.__typename, 'ValidationError');
    assert.equal(error.code, 'TOO_LONG');
    assert.deepEqual(error.path, ['input', 'title']);
  });

  test('an update leaves what is absent and clears what is null', async () => {
    const kept = await update({ title: 'Renamed' });
    assert.equal(kept.todo?.title, 'Renamed');
    assert.equal(kept.todo.description, 'Kept');
    const cleared = await update({ description: null });
    assert.equal(cleared.todo?.description, null);
    assert.equal(cleared.todo.title, 'Renamed');
    assert.equal(cleared.todo.version, 3);
  });

  test('an update of an old version is a conflict with what is stored', async () => {
    const { todo, errors, stored } = await update({ title: 'Too late' }, 1);
    assert.equal(errors[0]?.code, 'CONFLICT');
    assert.equal(stored?.version, 3);
    assert.notEqual(todo?.title, 'Too late');
  });

  test('a bulk action skips what fails and does the rest', async () => {
    const { todoBulkUpdate } = await execute(COMPLETE_MANY, { ids: [second, randomUUID()] });
    assert.equal(todoBulkUpdate?.updated, 1);
    const [done, failed] = todoBulkUpdate.results;
    assert.equal(done?.todoId, second);
    assert.equal(done.todo?.status, 'COMPLETED');
    assert.equal(unmask(ERROR_PARTS, failed?.errors ?? [])[0]?.code, 'NOT_FOUND');
  });

  test('a list is read in pages, both ways', async () => {
    const newestFirst = [...others.reverse(), second, first];
    const forwards: string[] = [];
    let after: string | null | undefined;
    do {
      const { todos } = await execute(TODOS, { first: 2, ...(after && { after }) });
      assert.equal(todos.totalCount, 5);
      forwards.push(...todos.edges.map(({ node }) => node.id));
      after = todos.pageInfo.hasNextPage ? todos.pageInfo.endCursor : null;
    } while (after);
    assert.deepEqual(forwards, newestFirst);

    const backwards: string[] = [];
    let before: string | null | undefined;
    do {
      const { todos } = await execute(TODOS, { last: 2, ...(before && { before }) });
      backwards.unshift(...todos.edges.map(({ node }) => node.id));
      before = todos.pageInfo.hasPreviousPage ? todos.pageInfo.startCursor : null;
    } while (before);
    assert.deepEqual(backwards, newestFirst);
  });

  test('an expired access token is traded for a new one on the way', async () => {
    assert(session.tokens);
    const before = session.tokens;
    session.tokens = { ...before, accessToken: 'expired' };
    const { todos } = await execute(TODOS, { sort: [{ field: 'TITLE' }] });
    assert.equal(todos.totalCount, 5);
    assert.notEqual(session.tokens?.refreshToken, before.refreshToken);
  });
}
