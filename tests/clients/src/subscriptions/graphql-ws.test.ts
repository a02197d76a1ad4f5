// graphql-ws: subscriptions by WebSocket.
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { sessionOfNobody } from '../round-trip';
import { authorization } from '../session';
import { CHANGES, type Changes, followChanges } from './changes';

const session = sessionOfNobody();
const client = createClient({
  url: session.url.replace(/^http/, 'ws'),
  // Browsers have one of their own, and so has Node from 22 on.
  webSocketImpl: WebSocket,
  connectionParams: () => authorization(session),
});

followChanges(session, (after, onEvent) =>
  client.subscribe<Changes>(
    { query: CHANGES, variables: { after } },
    {
      next: ({ data }) => data && onEvent(data),
      error: (error) => {
        throw error;
      },
      complete: () => undefined,
    },
  ),
);
