// urql as a front end of todo_gql sets it up; its subscriptions come as server-sent events.
import { Client, cacheExchange, fetchExchange } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import { authorization, refresh, type Session } from './session';

export function makeUrql(session: Session): Client {
  const auth = authExchange(async ({ appendHeaders }) => ({
    addAuthToOperation: (operation) => appendHeaders(operation, authorization(session)),
    didAuthError: ({ graphQLErrors }) =>
      session.tokens !== null &&
      graphQLErrors.some(({ extensions }) => extensions['code'] === 'UNAUTHENTICATED'),
    refreshAuth: () => refresh(session),
  }));
  return new Client({
    url: session.url,
    exchanges: [cacheExchange, auth, fetchExchange],
    fetchSubscriptions: true,
  });
}
