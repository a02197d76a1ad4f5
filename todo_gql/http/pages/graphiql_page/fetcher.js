// Sends GraphiQL's operations to the address of its own page.

import { getOperationAST, OperationTypeNode, parse } from 'graphql';
import { createClient } from 'graphql-sse';

const problem = (message) => ({ errors: [{ message }] });

async function readAnswer(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return problem(`The server answered ${response.status} ${response.statusText}: ${text}`);
  }
}

/** The operation's name if the query has it: GraphiQL knows the one before for a moment. */
function nameInQuery(name, query) {
  try {
    const found = parse(query).definitions.some((definition) => definition.name?.value === name);
    return found ? name : undefined;
  } catch {
    return name;
  }
}

function isSubscription(query, operationName) {
  try {
    const operation = getOperationAST(parse(query), operationName);
    return operation?.operation === OperationTypeNode.SUBSCRIPTION;
  } catch {
    return false;
  }
}

/** The events of a subscription, which end with it or with the stop button. */
async function* subscribe(operation, headers) {
  const client = createClient({ url: window.location.pathname, headers, retryAttempts: 0 });
  try {
    yield* client.iterate(operation);
  } finally {
    client.dispose();
  }
}

/**
 * A fetcher that adds the token, unless the headers editor sets Authorization itself.
 * `onAnswer` hears of every answer and whether the token was sent with its request.
 */
export function createFetcher(currentToken, onAnswer) {
  return async (parameters, { headers: own = {} } = {}) => {
    const headers = new Headers({
      Accept: 'application/graphql-response+json, application/json;q=0.9',
      'Content-Type': 'application/json',
    });
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
    const token = headers.has('Authorization') ? '' : currentToken();
    if (token) headers.set('Authorization', `Bearer ${token}`);
    const operationName = nameInQuery(parameters.operationName, parameters.query);
    if (isSubscription(parameters.query, operationName)) {
      const { authorization } = Object.fromEntries(headers);
      const sent = { ...own, ...(authorization && { authorization }) };
      return subscribe({ ...parameters, operationName }, sent);
    }
    let answer;
    try {
      const body = JSON.stringify({ ...parameters, operationName });
      answer = await readAnswer(
        await fetch(window.location.pathname, { method: 'POST', headers, body }),
      );
    } catch (error) {
      return problem(`The request could not be sent: ${error.message}`);
    }
    onAnswer(answer, Boolean(token));
    return answer;
  };
}
