// Sends GraphiQL's operations to the address of its own page.

import { getOperationAST, parse } from 'graphql';

import { eventsIn } from './events.js';

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

function isSubscription(name, query) {
  try {
    return getOperationAST(parse(query), name)?.operation === 'subscription';
  } catch {
    return false;
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
    let answer;
    try {
      const operationName = nameInQuery(parameters.operationName, parameters.query);
      const body = JSON.stringify({ ...parameters, operationName });
      if (isSubscription(operationName, parameters.query)) {
        headers.set('Accept', 'text/event-stream');
      }
      const response = await fetch(window.location.pathname, { method: 'POST', headers, body });
      if (response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
        return eventsIn(response);
      }
      answer = await readAnswer(response);
    } catch (error) {
      return problem(`The request could not be sent: ${error.message}`);
    }
    onAnswer(answer, Boolean(token));
    return answer;
  };
}
