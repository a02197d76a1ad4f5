// Apollo Client as a front end of todo_gql sets it up.
import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
} from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { relayStylePagination } from '@apollo/client/utilities';
import { from, switchMap } from 'rxjs';
import introspection from './__generated__/possible-types';
import { authorization, refresh, type Session } from './session';

function isSignedOut(error: unknown): boolean {
  return (
    CombinedGraphQLErrors.is(error) &&
    error.errors.some(({ extensions }) => extensions?.['code'] === 'UNAUTHENTICATED')
  );
}

export function makeApollo(session: Session): ApolloClient {
  const withToken = new SetContextLink(({ headers }) => ({
    headers: { ...headers, ...authorization(session) },
  }));
  const withFreshToken = new ErrorLink(({ error, operation, forward }) => {
    if (!session.tokens || !isSignedOut(error)) return;
    return from(refresh(session)).pipe(switchMap(() => forward(operation)));
  });
  return new ApolloClient({
    link: ApolloLink.from([withFreshToken, withToken, new HttpLink({ uri: session.url })]),
    cache: new InMemoryCache({
      possibleTypes: introspection.possibleTypes,
      typePolicies: {
        // Pages of one list, in one list of the cache; another filter or order is another list.
        Query: { fields: { todos: relayStylePagination(['filter', 'sort']) } },
      },
    }),
  });
}
