// Apollo Client and urql with documents by their ids, against servers with a manifest and without.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ApolloClient, ApolloLink, CombinedGraphQLErrors } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import type { Client } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { type DocumentNode, type GraphQLFormattedError, parse } from 'graphql';
import { makeApollo } from './apollo';
import { CHANGES, CREATE, VIEWER } from './operations';
import { makePersistedLink, persisted } from './persisted';
import { type Execute, signUp } from './round-trip';
import type { Session } from './session';
import { makeUrql } from './urql';

const SERVERS = {
  'without a manifest': process.env['TODO_URL'] ?? '',
  'with a manifest': process.env['TODO_TRUSTING_URL'] ?? '',
  'of trusted documents only': process.env['TODO_ONLY_URL'] ?? '',
};
type Place = keyof typeof SERVERS;

// Neither graphql-codegen nor the manifest has these.
const UNKNOWN = parse('query Unknown { viewer { id username } }');
const UNKNOWN_MUTATION = parse(
  'mutation UnknownMutation { tokenRefresh(refreshToken: "") { errors { code } } }',
);
const UNKNOWN_CHANGES = parse(
  'subscription UnknownChanges { changes { ... on Change { todoId cursor } } }',
);

type Kind = 'id' | 'text' | 'id and text';

interface Request {
  query?: string;
  operationName?: string;
  extensions?: { persistedQuery?: object };
}

/** What was sent over HTTP, with the status of each answer. */
const requests: [Kind, number][] = [];
/** The messages of all WebSockets: what clients sent, and what they received. */
const sent: { type: string; payload?: Request }[] = [];
const received: { type: string; payload?: GraphQLFormattedError[] }[] = [];

function kindOf({ query, extensions }: Request): Kind {
  if (!extensions?.persistedQuery) return 'text';
  return query ? 'id and text' : 'id';
}

const send = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const answer = await send(input, init);
  const parameters = new URL(String(input)).searchParams;
  const request = init?.body
    ? (JSON.parse(String(init.body)) as Request)
    : {
        query: parameters.get('query') ?? '',
        extensions: JSON.parse(parameters.get('extensions') ?? '{}') as object,
      };
  requests.push([kindOf(request), answer.status]);
  return answer;
};

globalThis.WebSocket = class extends globalThis.WebSocket {
  constructor(...options: ConstructorParameters<typeof WebSocket>) {
    super(...options);
    this.addEventListener('message', ({ data }) => received.push(JSON.parse(String(data))));
  }

  override send(data: string) {
    sent.push(JSON.parse(data));
    super.send(data);
  }
};

async function sha256(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Buffer.from(bytes).toString('hex');
}

/** The data of an answer, or the codes of its errors, and what they say. */
interface Outcome {
  data?: unknown;
  codes: unknown[];
  message?: string;
}

interface Asking {
  query(document: DocumentNode): Promise<Outcome>;
  mutate(document: DocumentNode, variables?: object): Promise<Outcome>;
  /** Calls back with each todo that changed, and with the codes of an error. */
  follow(document: DocumentNode, seen: (what: unknown) => void): () => void;
}

interface Changes {
  changes?: { todoId?: string };
}

function failed(errors: readonly GraphQLFormattedError[]): Outcome {
  const message = errors[0]?.message;
  const codes = errors.map(({ extensions }) => extensions?.['code']);
  return { codes, ...(message !== undefined && { message }) };
}

function outcomeOf(error: unknown): Outcome {
  assert(CombinedGraphQLErrors.is(error), String(error));
  return failed(error.errors);
}

function apolloAsking(client: ApolloClient): Asking {
  const outcome = (answer: Promise<{ data?: unknown }>) =>
    answer.then(({ data }): Outcome => ({ data, codes: [] }), outcomeOf);
  return {
    query: (query) => outcome(client.query({ query, fetchPolicy: 'no-cache' })),
    mutate: (mutation, variables = {}) =>
      outcome(client.mutate({ mutation, variables, fetchPolicy: 'no-cache' })),
    follow(query, seen) {
      const subscription = client.subscribe<Changes>({ query }).subscribe(({ data, error }) => {
        seen(error ? outcomeOf(error).codes : data?.changes?.todoId);
      });
      return () => subscription.unsubscribe();
    },
  };
}

function urqlAsking(client: Client): Asking {
  const outcome = ({ data, error }: { data?: unknown; error?: { graphQLErrors: [] } | undefined }) =>
    error ? failed(error.graphQLErrors) : { data, codes: [] };
  return {
    query: async (query) =>
      outcome((await client.query(query, {}, { requestPolicy: 'network-only' })) as never),
    mutate: async (mutation, variables = {}) =>
      outcome((await client.mutation(mutation, variables)) as never),
    follow(query, seen) {
      const { unsubscribe } = client.subscription<Changes>(query, {}).subscribe((result) => {
        seen(result.error ? outcome(result as never).codes : result.data?.changes?.todoId);
      });
      return unsubscribe;
    },
  };
}

const sessionAt = (place: Place): Session => ({ url: SERVERS[place], tokens: null });
type Make = (session: Session) => Asking;

function apolloWith(link: () => ApolloLink): Make {
  return (session) => {
    const client = makeApollo(session);
    client.setLink(ApolloLink.from([link(), client.link]));
    return apolloAsking(client);
  };
}

const APOLLO: Record<string, Make> = {
  'Apollo Client, ids of graphql-codegen': apolloWith(makePersistedLink),
  'Apollo Client, hashes': apolloWith(() => new PersistedQueryLink({ sha256 })),
  'Apollo Client, hashes by GET': apolloWith(
    () => new PersistedQueryLink({ sha256, useGETForHashedQueries: true }),
  ),
};
const hashes = persistedExchange({ enableForMutation: true, enableForSubscriptions: true });
const URQL: Record<string, Make> = {
  'urql, ids of graphql-codegen': (session) => urqlAsking(makeUrql(session, persisted)),
  'urql, hashes': (session) => urqlAsking(makeUrql(session, hashes)),
};

/** What is sent of a document that the manifest lacks: urql sends no id where there is none. */
function requestsOfUnknown(name: string, status: number): [Kind, number][] {
  if (name === 'urql, ids of graphql-codegen') return [['text', status]];
  return [
    ['id', 400],
    ['id and text', status],
  ];
}

function hasViewer({ data }: Outcome): void {
  assert.equal((data as { viewer: unknown } | undefined)?.viewer, null, JSON.stringify(data));
}

for (const [name, make] of Object.entries({ ...APOLLO, ...URQL })) {
  describe(name, () => {
    test('a server without a manifest is sent texts from its first refusal on', async () => {
      const client = make(sessionAt('without a manifest'));
      requests.length = 0;
      for (const document of [VIEWER, UNKNOWN, VIEWER]) hasViewer(await client.query(document));
      assert.deepEqual(requests, [
        ['id', 400],
        ['text', 200],
        ['text', 200],
        ['text', 200],
      ]);
    });

    for (const place of ['with a manifest', 'of trusted documents only'] as const) {
      test(`a server ${place} is sent the id alone of a known document`, async () => {
        const client = make(sessionAt(place));
        requests.length = 0;
        hasViewer(await client.query(VIEWER));
        assert.deepEqual((await client.mutate(CREATE, { input: {} })).codes, ['BAD_USER_INPUT']);
        assert.deepEqual(requests[0], ['id', 200]);
        assert.deepEqual(
          requests.map(([kind]) => kind),
          ['id', 'id'],
        );
      });
    }

    test('an unknown document is sent as text, and a known one still by its id', async () => {
      const client = make(sessionAt('with a manifest'));
      requests.length = 0;
      hasViewer(await client.query(UNKNOWN));
      assert.deepEqual((await client.mutate(UNKNOWN_MUTATION)).codes, []);
      hasViewer(await client.query(VIEWER));
      const unknown = requestsOfUnknown(name, 200);
      assert.deepEqual(requests, [...unknown, ...unknown, ['id', 200]]);
    });

    test('an unknown document is FORBIDDEN where only trusted ones are executed', async () => {
      const client = make(sessionAt('of trusted documents only'));
      requests.length = 0;
      for (const refused of [await client.query(UNKNOWN), await client.mutate(UNKNOWN_MUTATION)]) {
        assert.deepEqual(refused.codes, ['FORBIDDEN']);
        assert.match(refused.message ?? '', /send the id of one as documentId/);
      }
      hasViewer(await client.query(VIEWER));
      const unknown = requestsOfUnknown(name, 403);
      assert.deepEqual(requests, [...unknown, ...unknown, ['id', 200]]);
    });
  });
}

/**
 * What two subscriptions of one WebSocket see, with the requests and errors on it.
 *
 * Waits for a change or an error of the unknown one, and then for a change that comes to the known one.
 */
async function followed(make: Make, place: Place) {
  const session = sessionAt(place);
  const client = make(session);
  const execute: Execute = async (document, variables) =>
    (await make(session).mutate(document, variables)).data as never;
  await signUp(session, execute);
  sent.length = received.length = 0;
  const seen = { known: [] as unknown[], unknown: [] as unknown[] };
  const ends = [
    client.follow(CHANGES, (what) => seen.known.push(what)),
    client.follow(UNKNOWN_CHANGES, (what) => seen.unknown.push(what)),
  ];
  const ids: string[] = [];
  // A subscription begins with what changes from then on.
  const createUntil = async (isSeen: () => boolean) => {
    for (let tries = 0; !isSeen(); tries += 1) {
      assert(tries < 100, JSON.stringify({ seen, received }));
      const { todoCreate } = await execute(CREATE, { input: { title: 'Followed' } });
      ids.push(todoCreate?.todo?.id ?? '');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await createUntil(() => seen.unknown.length > 0);
  const before = ids.length;
  await createUntil(() => ids.slice(before).some((id) => seen.known.includes(id)));
  for (const end of ends) end();
  const isCreated = ([id]: unknown[]) => ids.includes(String(id));
  const kinds = (name: string) =>
    sent
      .filter(({ type, payload }) => type === 'subscribe' && payload?.operationName === name)
      .map(({ payload }) => kindOf(payload ?? {}));
  assert.equal(sent.filter(({ type }) => type === 'connection_init').length, 1);
  return {
    known: isCreated(seen.known) ? 'changes' : seen.known,
    unknown: isCreated(seen.unknown) ? 'changes' : seen.unknown,
    sent: [kinds('TodoChanges'), kinds('UnknownChanges')],
    errors: received
      .filter(({ type }) => type === 'error')
      .map(({ payload }) => payload?.[0]?.extensions?.['code']),
  };
}

test('an access token is refreshed where only trusted documents are executed', async () => {
  const session = sessionAt('of trusted documents only');
  const client = makeUrql(session, persisted);
  const execute: Execute = async (document, variables) =>
    (await client.mutation(document, variables)).data as never;
  const username = await signUp(session, execute);
  assert(session.tokens);
  session.tokens = { ...session.tokens, accessToken: 'expired' };
  const { data } = await client.query(VIEWER, {});
  assert.equal(data?.viewer?.username, username);
});

describe('subscriptions on one WebSocket', () => {
  const followedByHash = {
    'without a manifest': {
      known: 'changes',
      unknown: 'changes',
      sent: [
        ['id', 'text'],
        ['id', 'text'],
      ],
      errors: ['PERSISTED_QUERY_NOT_SUPPORTED', 'PERSISTED_QUERY_NOT_SUPPORTED'],
    },
    'with a manifest': {
      known: 'changes',
      unknown: 'changes',
      sent: [['id'], ['id', 'id and text']],
      errors: ['PERSISTED_QUERY_NOT_FOUND'],
    },
    'of trusted documents only': {
      known: 'changes',
      unknown: [['FORBIDDEN']],
      sent: [['id'], ['id', 'id and text']],
      errors: ['PERSISTED_QUERY_NOT_FOUND', 'FORBIDDEN'],
    },
  };
  for (const [place, expected] of Object.entries(followedByHash)) {
    test(`urql tries an id first, at a server ${place}`, async () => {
      assert.deepEqual(await followed(URQL['urql, hashes'] as Make, place as Place), expected);
    });

    test(`Apollo Client sends ids and texts at once, to a server ${place}`, async () => {
      assert.deepEqual(await followed(APOLLO['Apollo Client, hashes'] as Make, place as Place), {
        ...expected,
        sent: [['id and text'], ['id and text']],
        errors: expected.errors.filter((code) => code === 'FORBIDDEN'),
      });
    });
  }

  test('urql sends the ids of graphql-codegen', async () => {
    const make = URQL['urql, ids of graphql-codegen'] as Make;
    const { known, sent } = await followed(make, 'of trusted documents only');
    assert.deepEqual([known, sent[0]], ['changes', ['id']]);
  });
});
