// What becomes of a session when trading its tokens goes wrong: only the server's word ends it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { print } from 'graphql';
import { TODOS, VIEWER } from './operations';
import { type Execute, sessionOfNobody, signUp } from './round-trip';
import { authorization, fetchAs, NotNow, refresh, type Session, sharedSession } from './session';

const { url: server } = sessionOfNobody();

/** Says something else than the server when tokens are traded. */
type Fault = (answer: ServerResponse, real: () => Promise<string>) => void | Promise<void>;

function told(status: number, body: string, type = 'application/json'): Fault {
  return (answer) => void answer.writeHead(status, { 'content-type': type }).end(body);
}

function failed(code: string, status = 200, reason?: string): Fault {
  return told(status, JSON.stringify({ errors: [{ message: code, extensions: { code, reason } }] }));
}

function refused(code: string): Fault {
  const errors = [{ __typename: 'AuthError', code, message: code, path: null }];
  return told(200, JSON.stringify({ data: { tokenRefresh: { tokens: null, errors } } }));
}

const lost: Fault = async (answer, real) => {
  await real();
  answer.destroy();
};

/** What passes, so that the session has to outlast it. */
const PASSING: Record<string, Fault> = {
  'a database that is away': failed('UNAVAILABLE', 503),
  'a time limit': failed('TIMEOUT'),
  'a change that may be done or not': failed('TIMEOUT', 200, 'OUTCOME_UNKNOWN'),
  'too many requests': failed('RATE_LIMITED', 429),
  'too many trades': refused('RATE_LIMITED'),
  'an error of the server': failed('INTERNAL', 500),
  'a document that is not trusted': failed('FORBIDDEN', 403),
  'a payload that failed': told(200, '{"data":{"tokenRefresh":null}}'),
  "a proxy's page": told(502, '<h1>Bad Gateway</h1>', 'text/html'),
  "a hotel's page": told(200, '<h1>Accept our terms</h1>', 'text/html'),
  'a page that claims to be JSON': told(200, '<h1>Oops</h1>'),
  'no body': told(500, ''),
  'half an answer': told(200, '{"data":{"tokenRefresh":{"tok'),
  'JSON that is not GraphQL': told(200, '{"ok":true}'),
  'JSON null': told(200, 'null'),
  'JSON in a list': told(200, '[{"data":null}]'),
  'a connection that breaks': (answer) => void answer.destroy(),
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces).toString();
}

/** A session of somebody new by way of a proxy at which trades meet a fault, so many times. */
async function behind(context: TestContext, fault: Fault, times = Infinity) {
  let trades = 0;
  const proxy = createServer(async (request, answer) => {
    const body = await bodyOf(request);
    const real = async () => {
      const { authorization: token = '' } = request.headers;
      const headers = { 'content-type': 'application/json', ...(token && { authorization: token }) };
      const given = await fetch(server, { method: 'POST', headers, body });
      const challenge = given.headers.get('www-authenticate');
      if (challenge) answer.setHeader('www-authenticate', challenge);
      return given.text();
    };
    if (body.includes('tokenRefresh') && (trades += 1) <= times) await fault(answer, real);
    else answer.end(await real());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const { port } = proxy.address() as AddressInfo;
  const session: Session = { url: `http://127.0.0.1:${port}/graphql`, tokens: null };
  const username = await signUp(session, executeAs(session));
  return { session, username, trades: () => trades };
}

function executeAs(session: Session): Execute {
  return async (document, variables) => {
    const answer = await fetchAs(session)(session.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: print(document), variables }),
    });
    const { data, errors } = (await answer.json()) as { data: never; errors?: unknown };
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  };
}

function wear(session: Session): void {
  assert(session.tokens);
  session.tokens = { ...session.tokens, accessToken: `worn ${randomUUID()}` };
}

/** What a tab keeps its tokens in, for Node, which has none. */
class Place implements Storage {
  [name: string]: unknown;
  readonly kept = new Map<string, string>();
  readonly length = 0;
  clear = () => this.kept.clear();
  key = () => null;
  getItem = (key: string) => this.kept.get(key) ?? null;
  removeItem = (key: string) => void this.kept.delete(key);
  setItem = (key: string, value: string) => void this.kept.set(key, value);
}

describe('a trade that fails in passing keeps the tokens', { concurrency: true }, () => {
  for (const [name, fault] of Object.entries(PASSING)) {
    test(name, { timeout: 30_000 }, async (context) => {
      const { session } = await behind(context, fault);
      wear(session);
      const { tokens } = session;
      await assert.rejects(executeAs(session)(TODOS, {}), NotNow);
      assert.deepEqual(session.tokens, tokens);
      session.url = server;
      assert.equal((await executeAs(session)(TODOS, {})).todos.totalCount, 0);
        });
  }
});

describe('only these end a session', { concurrency: true }, () => {
  for (const code of ['INVALID_TOKEN', 'ACCOUNT_DISABLED']) {
    test(code, async (context) => {
      const { session } = await behind(context, refused(code));
      wear(session);
      await assert.rejects(executeAs(session)(TODOS, {}), /UNAUTHENTICATED/);
      assert.equal(session.tokens, null);
        });
  }
});

test('an answer that is lost again and again keeps the tokens', async (context) => {
  const { session } = await behind(context, lost);
  wear(session);
  const { tokens } = session;
  await assert.rejects(executeAs(session)(TODOS, {}), NotNow);
  assert.deepEqual(session.tokens, tokens);
});

test('an answer that is lost once is asked for again, and the session goes on', async (context) => {
  const { session, trades } = await behind(context, lost, 1);
  wear(session);
  assert.equal((await executeAs(session)(TODOS, {})).todos.totalCount, 0);
  assert.equal(trades(), 2);
});

test('a request that its caller gives up costs no tokens', async (context) => {
  const { session } = await behind(context, lost, 0);
  wear(session);
  const { tokens } = session;
  const signal = AbortSignal.abort();
  await assert.rejects(fetchAs(session)(session.url, { signal }), { name: 'AbortError' });
  assert.deepEqual(session.tokens, tokens);
});

test('a viewer who is null for want of a good token is asked for again', async (context) => {
  const { session, username } = await behind(context, lost, 0);
  wear(session);
  assert.equal((await executeAs(session)(VIEWER, {})).viewer?.username, username);
});

test('requests that are refused at once trade once', async (context) => {
  const { session, trades } = await behind(context, lost, 0);
  wear(session);
  await Promise.all(Array.from({ length: 10 }, () => executeAs(session)(TODOS, {})));
  assert.equal(trades(), 1);
});

test('tabs that trade at once go on with one pair', async (context) => {
  const { session } = await behind(context, lost, 0);
  const place = new Place();
  const tabs = Array.from({ length: 3 }, () => sharedSession(session.url, place));
  const [first] = tabs;
  assert(first && session.tokens);
  first.tokens = { ...session.tokens, accessToken: 'worn' };
  await Promise.all(tabs.map((tab) => executeAs(tab)(TODOS, {})));
  assert.notEqual(first.tokens.refreshToken, session.tokens.refreshToken);
  assert.equal(new Set(tabs.map(({ tokens }) => tokens?.refreshToken)).size, 1);
  wear(first);
  await Promise.all(tabs.map((tab) => executeAs(tab)(TODOS, {})));
});

test('a refusal that comes late takes no newer tokens away', async (context) => {
  const newer = { accessToken: 'newer', refreshToken: 'newer' };
  const { session }: { session: Session } = await behind(context, (answer, real) => {
    session.tokens = newer;
    return refused('INVALID_TOKEN')(answer, real);
  });
  wear(session);
  await refresh(session);
  assert.equal(session.tokens, newer);
});

test('what one person sent is not sent again as another', async (context) => {
  const { session } = await behind(context, lost, 0);
  const other = sessionOfNobody();
  await signUp(other, executeAs(other));
  session.tokens = { accessToken: 'worn', refreshToken: 'worn', username: 'one' };
  const asking = executeAs(session)(TODOS, {});
  assert(other.tokens);
  session.tokens = { ...other.tokens, username: 'other' };
  await assert.rejects(asking, /UNAUTHENTICATED/);
  assert.deepEqual(authorization(session), authorization(other));
});
