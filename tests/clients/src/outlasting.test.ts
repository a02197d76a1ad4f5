// Clients as the documentation sets them up, while their access tokens expire and the database goes
// away: who follows changes gets all of them, who asks is answered again, and nobody is signed out.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gql } from '@apollo/client';
import { print } from 'graphql';
import { fetchQuery } from 'relay-runtime';
import { makeApollo } from './apollo';
import { follow, type List } from './follow';
import { CREATE, TODOS, VIEWER } from './operations';
import type { todosQuery } from './relay/__generated__/todosQuery.graphql';
import { makeEnvironment } from './relay/environment';
import { TODOS as RELAY_TODOS } from './relay/todos';
import { type Execute, sessionOfNobody, signUp } from './round-trip';
import { fetchAs, type Session, type Tokens } from './session';
import { makeSocket } from './sockets';
import { makeStreams } from './streams';
import { makeUrql } from './urql';

/** Whether the outage is over, and all tokens are worn. */
const isOver = () => existsSync(process.env['TODO_OVER'] ?? '');
const LOGIN = `mutation ($username: String!) {
  login(input: { usernameOrEmail: $username, password: "Correct1horse" }) {
    tokens { accessToken refreshToken }
  }
}`;
const CHANGES = gql`
  subscription Changes($after: String!) {
    changes(after: $after) {
      __typename
      ... on Change {
        todo {
          title
        }
      }
    }
  }
`;

interface Changes {
  changes: { __typename: string; todo?: { title: string } | null };
}

async function ask<Data>(session: Session, query: string, variables = {}): Promise<Data> {
  const answer = await fetchAs(session)(session.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await answer.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const executeAs =
  (session: Session): Execute =>
  (document, variables) =>
    ask(session, print(document), variables);

/** A device of somebody, with tokens of its own; they are worn at least once in the end. */
interface Device {
  session: Session;
  first: Tokens;
}

let username: string;
let writer: Device;
const devices: Device[] = [];
const made: string[] = [];
const over = new AbortController();

async function signIn(): Promise<Device> {
  const session = sessionOfNobody();
  const { login } = await ask<{ login: { tokens: Tokens } }>(session, LOGIN, { username });
  session.tokens = login.tokens;
  const device = { session, first: login.tokens };
  devices.push(device);
  return device;
}

/** Creates a todo every second or so, each until it is there, the last after the outage. */
async function write(): Promise<void> {
  for (let isLast = false; !isLast; ) {
    isLast = isOver();
    const [id, title] = [randomUUID(), `Todo ${made.length}`];
    for (let isThere = false; !isThere; await sleep(500)) {
      const created = executeAs(writer.session)(CREATE, { input: { id, title } });
      isThere = await created.then(({ todoCreate }) => todoCreate?.todo?.id === id).catch(() => false);
    }
    made.push(title);
  }
}

function hasAll(seen: Iterable<string>): boolean {
  const titles = new Set(seen);
  return made.every((title) => titles.has(title));
}

/** Waits until all that was made has been seen; says what is missing if that takes too long. */
async function seesAll(seen: Iterable<string>): Promise<void> {
  await writing;
  for (let waits = 0; waits < 600 && !hasAll(seen); waits += 1) await sleep(100);
  assert.deepEqual([...new Set(seen)].sort(), made.toSorted());
}

/** Asks again and again, whatever comes of it, until it works after the outage. */
async function asksOn(operation: () => Promise<unknown>): Promise<void> {
  for (let isAnswered = false; !isAnswered; await sleep(500)) {
    const isLate = isOver();
    const works = await operation().then(
      () => true,
      () => false,
    );
    isAnswered = isLate && works;
  }
}

let writing: Promise<void>;
let begin: () => void;
const begun = new Promise<void>((resolve) => (begin = resolve));

before(async () => {
  const session = sessionOfNobody();
  username = await signUp(session, executeAs(session));
  writer = await signIn();
  writing = begun.then(write);
});

after(() => over.abort());

let cursor: string;

test('clients outlast their tokens and an outage', { concurrency: true, timeout: 240_000 }, async (t) => {
  ({ changeCursor: cursor } = await ask<{ changeCursor: string }>(writer.session, '{ changeCursor }'));
  const [socket, streams, apollo, urql, relay, plain] = await Promise.all(
    Array.from({ length: 6 }, signIn),
  ) as [Device, Device, Device, Device, Device, Device];

  const tests: Promise<unknown>[] = [];
  for (const [name, { session }, make] of [
    ['a WebSocket', socket, makeSocket],
    ['an event stream', streams, makeStreams],
  ] as const) {
    tests.push(
      t.test(`the loop over ${name}`, async () => {
        const seen: string[] = [];
        let loads = 0;
        const list: List = {
          // The first cursor is good for nothing, so that all is loaded anew.
          load: async () => ((loads += 1) === 1 ? 'nothing' : cursor),
          apply: (_, todo) => todo && seen.push(todo.title),
        };
        void follow(session, make(session), list, over.signal);
        await seesAll(seen);
        assert.deepEqual(seen, made, 'each once, in order');
        assert.equal(loads, 2);
      }),
    );
  }

  tests.push(
    t.test('a subscription of Apollo Client', async () => {
      const seen: string[] = [];
      const subscription = makeApollo(apollo.session)
        .subscribe<Changes>({ query: CHANGES, variables: { after: cursor } })
        .subscribe(({ data }) => data?.changes.todo && seen.push(data.changes.todo.title));
      await seesAll(seen);
      subscription.unsubscribe();
    }),
    t.test('a subscription of urql', async () => {
      const seen: string[] = [];
      const subscription = makeUrql(urql.session)
        .subscription<Changes>(CHANGES, { after: cursor })
        .subscribe(({ data }) => data?.changes.todo && seen.push(data.changes.todo.title));
      await seesAll(seen);
      subscription.unsubscribe();
    }),
    t.test('queries of Apollo Client', async () => {
      const client = makeApollo(apollo.session);
      await asksOn(() => client.query({ query: TODOS, fetchPolicy: 'network-only' }));
    }),
    t.test('queries of urql', async () => {
      const client = makeUrql(urql.session);
      await asksOn(async () => {
        const options = { requestPolicy: 'network-only' } as const;
        const { error } = await client.query(TODOS, {}, options);
        if (error) throw error;
      });
    }),
    t.test('queries of Relay', async () => {
      const environment = makeEnvironment(relay.session);
      const asked = () => fetchQuery<todosQuery>(environment, RELAY_TODOS, { first: 1 }).toPromise();
      await asksOn(asked);
    }),
    t.test('a viewer, who is nobody while the token is worn', async () => {
      await asksOn(async () => {
        const { viewer } = await executeAs(plain.session)(VIEWER, {});
        assert.equal(viewer?.username, username);
      });
    }),
  );
  begin();
  writeFileSync(process.env['TODO_READY'] ?? '', '');
  await Promise.all(tests);
  over.abort();
  for (const { session, first } of devices) {
    assert(session.tokens, 'nobody is signed out');
    assert.notEqual(session.tokens.refreshToken, first.refreshToken);
  }
});
