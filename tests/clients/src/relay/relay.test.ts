// Relay's store and network layer against the running server.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  commitMutation,
  fetchQuery,
  getFragment,
  getSelector,
  type GraphQLTaggedNode,
  type MutationParameters,
  type OperationType,
} from 'relay-runtime';
import { sessionOfNobody } from '../round-trip';
import type { todosCompleteManyMutation } from './__generated__/todosCompleteManyMutation.graphql';
import type { todosCreateMutation } from './__generated__/todosCreateMutation.graphql';
import PAGINATION, {
  type todosListPaginationQuery,
} from './__generated__/todosListPaginationQuery.graphql';
import type { todosQuery } from './__generated__/todosQuery.graphql';
import type { todosRegisterMutation } from './__generated__/todosRegisterMutation.graphql';
import TODO_BY_ID, { type todosTodoQuery } from './__generated__/todosTodoQuery.graphql';
import type { todosUpdateMutation } from './__generated__/todosUpdateMutation.graphql';
import type { todosViewerQuery } from './__generated__/todosViewerQuery.graphql';
import type { todos_errors$data } from './__generated__/todos_errors.graphql';
import type { todos_list$data } from './__generated__/todos_list.graphql';
import type { todos_todo$data } from './__generated__/todos_todo.graphql';
import { makeEnvironment } from './environment';
import {
  COMPLETE_MANY,
  CREATE,
  ERRORS,
  LIST,
  REGISTER,
  TODO,
  TODOS,
  UPDATE,
  VIEWER,
} from './todos';

const session = sessionOfNobody();
const environment = makeEnvironment(session);
const warnings: unknown[] = [];
console.error = (...warning: unknown[]) => warnings.push(warning);
const ids = Array.from({ length: 5 }, () => randomUUID());
const newestFirst = ids.toReversed();

async function query<Operation extends OperationType>(
  document: GraphQLTaggedNode,
  variables: Operation['variables'],
): Promise<Operation['response']> {
  const data = await fetchQuery<Operation>(environment, document, variables).toPromise();
  assert(data);
  return data;
}

function mutate<Operation extends MutationParameters>(
  mutation: GraphQLTaggedNode,
  variables: Operation['variables'],
): Promise<Operation['response']> {
  return new Promise((resolve, reject) => {
    commitMutation<Operation>(environment, {
      mutation,
      variables,
      onCompleted: resolve,
      onError: reject,
    });
  });
}

/** A fragment, and what relay-compiler says that reading it gives. */
interface Fragment<Data> {
  node: GraphQLTaggedNode;
  data?: Data;
}

const list: Fragment<todos_list$data> = { node: LIST };
const todo: Fragment<todos_todo$data> = { node: TODO };
const errors: Fragment<todos_errors$data> = { node: ERRORS };

/** What useFragment gives a component. */
function read<Data>(fragment: Fragment<Data>, key: unknown): Data {
  const selector = getSelector(getFragment(fragment.node), key);
  assert(selector);
  const data =
    selector.kind === 'PluralReaderSelector'
      ? selector.selectors.map((each) => environment.lookup(each).data)
      : environment.lookup(selector).data;
  return data as Data;
}

function titleOf(index: number): string {
  return `Todo ${index}`;
}

test('register signs in', async () => {
  const username = `ada-${randomUUID().slice(0, 8)}`;
  const { register } = await mutate<todosRegisterMutation>(REGISTER, {
    input: { username, email: `${username}@example.com`, password: 'Correct1horse' },
  });
  session.tokens = register?.tokens ?? null;
  assert.equal((await query<todosViewerQuery>(VIEWER, {})).viewer?.username, username);
});

test('a new todo takes its place in the lists that are shown', async () => {
  const before = read(list, await query<todosQuery>(TODOS, { first: 2 }));
  assert.equal(before.todos.totalCount, 0);
  for (const [index, id] of ids.entries()) {
    const { todoCreate } = await mutate<todosCreateMutation>(CREATE, {
      input: { id, title: titleOf(index), description: 'Kept', tags: ['home'] },
      connections: [before.todos.__id],
    });
    assert.equal(todoCreate?.todo?.id, id);
  }
  const shown = read(list, await query<todosQuery>(TODOS, { first: 2 }));
  assert.deepEqual(
    shown.todos.edges.map(({ node }) => node.id),
    newestFirst.slice(0, 2),
  );
});

test('the same create again gives ALREADY_EXISTS with what is stored', async () => {
  const [id = ''] = ids;
  const { todoCreate } = await mutate<todosCreateMutation>(CREATE, {
    input: { id, title: titleOf(0) },
    connections: [],
  });
  const [error] = read(errors, todoCreate?.errors);
  assert.equal(error?.code, 'ALREADY_EXISTS');
  assert.equal(error.current?.id, id);
});

test('a list is read in pages that gather in the store, both ways', async () => {
  const found: string[][] = [];
  for (const [size, cursor] of [['first', 'after'], ['last', 'before']] as const) {
    const filter = { createdAt: { gt: '2000-01-01T00:00:00Z' }, ...(size === 'last' && { or: null }) };
    let page = read(list, await query<todosQuery>(TODOS, { filter, [size]: 2 }));
    for (let pages = 1; pages < 3; pages += 1) {
      const { startCursor, endCursor } = page.todos.pageInfo;
      const data = await query<todosListPaginationQuery>(PAGINATION, {
        filter,
        [size]: 2,
        [cursor]: size === 'first' ? endCursor : startCursor,
      });
      page = read(list, data);
    }
    found.push(page.todos.edges.map(({ node }) => node.id));
  }
  assert.deepEqual(found, [newestFirst, newestFirst]);
});

test('an update leaves what is absent and clears what is null', async () => {
  const [id = ''] = ids;
  await mutate<todosUpdateMutation>(UPDATE, { id, input: { title: 'Renamed' } });
  const { todoUpdate } = await mutate<todosUpdateMutation>(UPDATE, {
    id,
    input: { description: null },
  });
  const stored = read(todo, todoUpdate?.todo);
  assert.deepEqual([stored.title, stored.description, stored.version], ['Renamed', null, 3]);
});

test('an update of an old version is a conflict with what is stored', async () => {
  const { todoUpdate } = await mutate<todosUpdateMutation>(UPDATE, {
    id: ids[0] ?? '',
    input: { title: 'Too late' },
    expectedVersion: 1,
  });
  const [error] = read(errors, todoUpdate?.errors);
  assert.deepEqual([error?.code, error?.current?.version], ['CONFLICT', 3]);
});

test('a bulk action skips what fails, and the store knows of the rest', async () => {
  const [, id = ''] = ids;
  const { todoBulkUpdate } = await mutate<todosCompleteManyMutation>(COMPLETE_MANY, {
    ids: [id, randomUUID()],
  });
  assert.equal(todoBulkUpdate?.updated, 1);
  assert.equal(read(todo, todoBulkUpdate.results[0]?.todo).status, 'COMPLETED');
  assert.equal(read(errors, todoBulkUpdate.results[1]?.errors)[0]?.code, 'NOT_FOUND');
});

test('a todo fetches itself anew by its id', async () => {
  const { node } = await query<todosTodoQuery>(TODO_BY_ID, { id: ids[0] ?? '' });
  assert.equal(read(todo, node).title, 'Renamed');
});

test('an expired access token is traded for a new one on the way', async () => {
  assert(session.tokens);
  session.tokens = { ...session.tokens, accessToken: 'expired' };
  const shown = read(list, await query<todosQuery>(TODOS, { first: 1 }));
  assert.equal(shown.todos.totalCount, 5);
});

test('Relay has nothing to warn of', () => {
  assert.deepEqual(warnings, []);
});
