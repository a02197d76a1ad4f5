// graphql-sse: subscriptions as server-sent events.
import { createClient } from 'graphql-sse';
import { sessionOfNobody } from '../round-trip';
import { authorization } from '../session';
import { CHANGES, type Changes, followChanges } from './changes';

const session = sessionOfNobody();
const client = createClient({ url: session.url, headers: () => authorization(session) });

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
