// The two ways to the server: requests by urql, and a WebSocket that tells of changes.
import { signal } from '@preact/signals';
import { Client, fetchExchange, stringifyDocument } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import type { DocumentNode, GraphQLFormattedError } from 'graphql';
import { createClient } from 'graphql-ws';
import type { FollowFeedSubscription } from './__generated__/graphql';
import { SIGN_OUT } from './account-operations';
import { dataOf, fetchInTime, isUnauthenticated } from './answers';
import { FOLLOW } from './operations';
import { TryAgainLater, UNREACHABLE } from './retrying';
import { forget, isWorn, refresh, session } from './session';

export type FeedEvent = FollowFeedSubscription['feed'];

const FORBIDDEN = 4403;
const BUSY = 1013;

/** The token that was sent last: another tab may have a newer one by the time it is refused. */
let sent: string | undefined;
/** Whose it was: another tab may have signed somebody else in meanwhile. */
let sender: string | undefined;

function authorization(): { authorization: string } {
  sent = session.value?.accessToken;
  sender = session.value?.username;
  return { authorization: `Bearer ${sent ?? ''}` };
}

// There is no cacheExchange: answers and events meet in todos.ts, where the newer version wins.
export const server = new Client({
  url: '/graphql',
  exchanges: [
    authExchange(async ({ appendHeaders }) => ({
      addAuthToOperation: (operation) => appendHeaders(operation, authorization()),
      willAuthError: isWorn,
      didAuthError: isUnauthenticated,
      refreshAuth: () => refresh(sent, sender),
    })),
    fetchExchange,
  ],
  fetch: fetchInTime,
});

/** Whether changes are told as they are made. */
export const isLive = signal(false);

let silence: ReturnType<typeof setTimeout> | undefined;

const socket = createClient({
  url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
  connectionParams: authorization,
  connectionAckWaitTimeout: 10_000,
  // It would go on from the cursor of its first try; following.ts does from the newest.
  retryAttempts: 0,
  // A connection can end without a word, for instance while a laptop sleeps.
  keepAlive: 10_000,
  on: {
    connected: () => (isLive.value = true),
    closed: () => {
      isLive.value = false;
      clearTimeout(silence);
    },
    ping: (received) => {
      if (!received) silence = setTimeout(() => socket.terminate(), 5_000);
    },
    pong: (received) => {
      if (received) clearTimeout(silence);
    },
  },
});

/** What happens after a cursor, first what was missed, then each as it happens; throws as dataOf. */
export async function* feedAfter(after: string, signal: AbortSignal): AsyncGenerator<FeedEvent> {
  const events = eventsOf<FollowFeedSubscription>(FOLLOW, { after }, signal);
  for await (const { feed } of events) yield feed;
}

/** The events of a subscription until the signal aborts; throws TryAgainLater when it ends early. */
export async function* eventsOf<Event>(
  document: DocumentNode,
  variables: Record<string, unknown>,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  if (isWorn()) await refresh();
  const events = socket.iterate<Event>({ query: stringifyDocument(document), variables });
  const stop = () => void events.return?.(undefined);
  signal.addEventListener('abort', stop);
  try {
    for await (const { data, errors } of events) {
      if (!data) throw errors;
      yield data;
    }
  } catch (error) {
    if (error instanceof CloseEvent && error.code === FORBIDDEN) await refresh(sent);
    throw new TryAgainLater(wordsFor(error));
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** What ended a subscription: errors of the server, or the end of the connection. */
function wordsFor(error: unknown): string {
  if (Array.isArray(error)) return (error as GraphQLFormattedError[])[0]?.message ?? UNREACHABLE;
  return error instanceof CloseEvent && error.code === BUSY ? error.reason : UNREACHABLE;
}

/** Ends the session, on the server too if that can be reached. */
export async function signOut(): Promise<void> {
  await dataOf(server.mutation(SIGN_OUT, {})).catch(() => undefined);
  forget();
}
