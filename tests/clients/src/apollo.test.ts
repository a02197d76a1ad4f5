// Apollo Client against the running server.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { getOperationAST, OperationTypeNode } from 'graphql';
import { makeFragmentData, unmask } from './__generated__';
import type { TodoPartsFragment } from './__generated__/graphql';
import { makeApollo } from './apollo';
import { CREATE, TODO_PARTS, TODOS } from './operations';
import { type Execute, roundTrip, sessionOfNobody, signUp } from './round-trip';

const session = sessionOfNobody();
const client = makeApollo(session);

const execute: Execute = async (document, variables) => {
  const isMutation = getOperationAST(document)?.operation === OperationTypeNode.MUTATION;
  const { data } = isMutation
    ? await client.mutate({ mutation: document, variables, fetchPolicy: 'no-cache' })
    : await client.query({ query: document, variables, fetchPolicy: 'no-cache' });
  assert(data);
  return data as NonNullable<typeof data> & never;
};

roundTrip(session, execute);

test('pages gather in one list of the cache', async () => {
  await signUp(session, execute);
  for (const title of ['c', 'b', 'a']) await execute(CREATE, { input: { title } });
  const list = client.watchQuery({ query: TODOS, variables: { first: 2 } });
  const { data: page } = await list.refetch();
  assert.equal(page?.todos.edges.length, 2);
  await list.fetchMore({ variables: { after: page.todos.pageInfo.endCursor } });
  const { data } = list.getCurrentResult();
  const todos = data?.todos as NonNullable<typeof page>['todos'] | undefined;
  assert.deepEqual(
    todos?.edges.map(({ node }) => unmask(TODO_PARTS, node).title),
    ['a', 'b', 'c'],
  );
  assert.equal(todos.pageInfo.hasNextPage, false);
});

test('a todo shows before the server has it, by the id that it will have', async () => {
  const id = randomUUID();
  const optimistic: TodoPartsFragment = {
    __typename: 'Todo',
    id,
    title: 'At once',
    description: null,
    status: 'PENDING',
    priority: 'MEDIUM',
    dueAt: null,
    estimatedMinutes: null,
    tags: [],
    metadata: {},
    version: 0,
    updatedAt: new Date().toISOString(),
  };
  const shown: string[] = [];
  await client.mutate({
    mutation: CREATE,
    variables: { input: { id, title: 'At once' } },
    optimisticResponse: {
      __typename: 'Mutation',
      todoCreate: {
        __typename: 'TodoPayload',
        todo: {
          __typename: 'Todo',
          id,
          ...makeFragmentData(optimistic, TODO_PARTS),
        },
        errors: [],
      },
    },
    update(cache, { data }) {
      const node = data?.todoCreate?.todo;
      if (!node) return;
      const list = { query: TODOS, variables: { first: 2 } };
      const edge = { __typename: 'TodoEdge' as const, cursor: '', node };
      cache.updateQuery(
        list,
        (page) => page && { ...page, todos: { ...page.todos, edges: [edge, ...page.todos.edges] } },
      );
      const first = cache.readQuery(list)?.todos.edges[0];
      assert(first);
      const { title, version } = unmask(TODO_PARTS, first.node);
      shown.push(`${title}, version ${version}`);
    },
  });
  assert.deepEqual(shown, ['At once, version 0', 'At once, version 1']);
});
