// Apollo Client with the batching that this server doesn't take: it says so in words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, CombinedGraphQLErrors, gql, InMemoryCache } from '@apollo/client';
import { BatchHttpLink } from '@apollo/client/link/batch-http';

const ASK = gql`
  query Ask($id: ID!) {
    node(id: $id) {
      id
    }
  }
`;

for (const size of [1, 3]) {
  test(`each of ${size} operations in a batch hears what to do`, async () => {
    const client = new ApolloClient({
      link: new BatchHttpLink({ uri: process.env['TODO_URL'] ?? '', batchInterval: 50 }),
      cache: new InMemoryCache(),
    });
    const asked = Array.from({ length: size }, (_, number) =>
      client.query({ query: ASK, variables: { id: String(number) } }),
    );
    for (const answer of await Promise.allSettled(asked)) {
      assert(answer.status === 'rejected');
      assert(CombinedGraphQLErrors.is(answer.reason), String(answer.reason));
      assert.match(answer.reason.message, /send each operation in a request of its own/);
    }
  });
}
