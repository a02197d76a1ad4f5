// Pages that gather in Apollo's cache, by nodes, by edges and by both, of every kind of list.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { ApolloClient } from '@apollo/client';
import { parse, print } from 'graphql';
import { makeApollo } from './apollo';
import { CREATE } from './operations';
import { type Execute, sessionOfNobody, signUp } from './round-trip';
import { fetchAs } from './session';

interface List {
  nodes?: { id: string }[];
  edges?: { cursor?: string; node?: { id: string } }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
  totalCount?: number;
}

interface Lists {
  list: List;
}

const SELECTIONS = {
  nodes: 'nodes { id }',
  edges: 'edges { cursor node { id } }',
  'edges without cursors': 'edges { node { id } }',
  both: 'nodes { id } edges { cursor }',
};
const BACKWARDS = '$first: Int, $after: String, $last: Int, $before: String';
const KINDS = {
  todos: `query (${BACKWARDS}) {
    list: todos(first: $first, after: $after, last: $last, before: $before) { ITEMS totalCount INFO }
  }`,
  tags: `query (${BACKWARDS}) {
    list: tags(first: $first, after: $after, last: $last, before: $before) { ITEMS totalCount INFO }
  }`,
  changes: `query ($first: Int, $after: String) {
    list: changes(first: $first, after: $after) { ITEMS INFO }
  }`,
};
const INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const LENGTH = 5;

const session = sessionOfNobody();

const execute: Execute = async (document, variables) => {
  const answer = await fetchAs(session)(session.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(document), variables }),
  });
  return ((await answer.json()) as { data: never }).data;
};

function documentOf(kind: string, items: string) {
  return parse(kind.replace('ITEMS', items).replace('INFO', INFO));
}

function idsOf({ nodes, edges }: List): (string | undefined)[] {
  return nodes?.map(({ id }) => id) ?? edges?.map(({ node }) => node?.id) ?? [];
}

async function wholeOf(kind: string): Promise<(string | undefined)[]> {
  const query = documentOf(kind, 'nodes { id }');
  const { data } = await makeApollo(session).query<Lists>({ query, variables: { first: 10 } });
  assert(data);
  return idsOf(data.list);
}

function inCache(client: ApolloClient, query: ReturnType<typeof parse>, variables: object): List {
  const found = client.readQuery<Lists>({ query, variables });
  assert(found, 'all that was asked for is in the cache');
  return found.list;
}

before(async () => {
  await signUp(session, execute);
  for (let number = 0; number < LENGTH; number += 1) {
    const input = { title: `Todo ${number}`, tags: [`tag ${number}`] };
    await execute(CREATE, { input });
  }
});

for (const [name, kind] of Object.entries(KINDS)) {
  for (const [selection, items] of Object.entries(SELECTIONS)) {
    const query = documentOf(kind, items);
    const total = name === 'changes' ? undefined : LENGTH;

    test(`${name} gather forwards by ${selection}`, async () => {
      const client = makeApollo(session);
      const list = client.watchQuery<Lists>({ query, variables: { first: 2 } });
      let page = (await list.refetch()).data?.list;
      for (let pages = 1; page?.pageInfo.hasNextPage; pages += 1) {
        assert.equal(idsOf(page).length, 2 * pages);
        await list.fetchMore({ variables: { after: page.pageInfo.endCursor } });
        page = inCache(client, query, { first: 2 });
      }
      assert(page);
      assert.deepEqual(idsOf(page), await wholeOf(kind));
      assert.equal(page.edges?.length ?? LENGTH, LENGTH);
      assert.equal(page.pageInfo.hasPreviousPage, false);
      assert.equal(page.totalCount, total);
    });

    if (name === 'changes') continue;
    test(`${name} gather backwards by ${selection}`, async () => {
      const client = makeApollo(session);
      const list = client.watchQuery<Lists>({ query, variables: { last: 2 } });
      let page = (await list.refetch()).data?.list;
      while (page?.pageInfo.hasPreviousPage) {
        await list.fetchMore({ variables: { before: page.pageInfo.startCursor } });
        page = inCache(client, query, { last: 2 });
      }
      assert(page);
      assert.deepEqual(idsOf(page), await wholeOf(kind));
      assert.equal(page.pageInfo.hasNextPage, false);
      assert.equal(page.totalCount, total);
    });
  }
}

describe('a list that gathered by nodes', () => {
  const query = documentOf(KINDS.todos, SELECTIONS.nodes);

  async function gathered(): Promise<ApolloClient> {
    const client = makeApollo(session);
    const list = client.watchQuery<Lists>({ query, variables: { first: 3 } });
    const { data } = await list.refetch();
    await list.fetchMore({ variables: { after: data?.list.pageInfo.endCursor } });
    return client;
  }

  test('keeps its total where a later page has none', async () => {
    const client = makeApollo(session);
    const list = client.watchQuery<Lists>({ query, variables: { first: 3 } });
    const { data } = await list.refetch();
    const variables = { first: 3, after: data?.list.pageInfo.endCursor };
    const more = parse(print(query).replace('totalCount', ''));
    await client.query({ query: more, variables, fetchPolicy: 'network-only' });
    const all = inCache(client, query, {});
    assert.deepEqual([idsOf(all).length, all.totalCount], [LENGTH, LENGTH]);
  });

  test('stays when only its total is asked for', async () => {
    const client = await gathered();
    await client.query({ query: parse('{ todos { totalCount } }'), fetchPolicy: 'network-only' });
    assert.equal(idsOf(inCache(client, query, {})).length, LENGTH);
  });

  test('has another list beside it for another filter', async () => {
    const client = await gathered();
    const other = parse('{ todos(filter: { isDeleted: true }) { nodes { id } } }');
    assert.deepEqual((await client.query<Lists>({ query: other })).data, {
      todos: { __typename: 'TodoConnection', nodes: [] },
    });
    assert.equal(idsOf(inCache(client, query, {})).length, LENGTH);
  });

  test('begins anew when its first page is asked for anew', async () => {
    const client = await gathered();
    await client.query({ query, variables: { first: 2 }, fetchPolicy: 'network-only' });
    const list = inCache(client, query, {});
    assert.deepEqual([idsOf(list).length, list.pageInfo.hasNextPage], [2, true]);
  });

  test('loses what leaves the cache', async () => {
    const client = await gathered();
    const [first] = idsOf(inCache(client, query, {}));
    client.cache.evict({ id: `Todo:${first}` });
    assert.equal(idsOf(inCache(client, query, {})).length, LENGTH - 1);
  });

  test('is asked for again by edges, and then has both', async () => {
    const client = await gathered();
    const edges = documentOf(KINDS.todos, SELECTIONS.edges);
    assert.equal(client.readQuery({ query: edges }), null);
    await client.query({ query: edges });
    assert.equal(inCache(client, edges, {}).edges?.length, LENGTH);
    assert.equal(idsOf(inCache(client, query, {})).length, LENGTH);
  });
});
