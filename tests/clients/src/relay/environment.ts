// Relay's environment as a front end of todo_gql sets it up.
import {
  Environment,
  type FetchFunction,
  type GraphQLResponse,
  Network,
  RecordSource,
  Store,
} from 'relay-runtime';
import { authorization, refresh, type Session } from '../session';

export function makeEnvironment(session: Session): Environment {
  async function send(body: string): Promise<GraphQLResponse> {
    const answer = await fetch(session.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        ...authorization(session),
      },
      body,
    });
    return (await answer.json()) as GraphQLResponse;
  }

  const fetchOperation: FetchFunction = async ({ text }, variables) => {
    const body = JSON.stringify({ query: text, variables });
    const answer = await send(body);
    if (!session.tokens || !JSON.stringify(answer).includes('"UNAUTHENTICATED"')) return answer;
    await refresh(session);
    return send(body);
  };

  return new Environment({
    network: Network.create(fetchOperation),
    store: new Store(new RecordSource()),
    // The id in a bulk action's result is its todo's, so it can't be the key of both.
    getDataID: ({ id }, typename) => (typename === 'TodoBulkResult' ? undefined : id),
  });
}
