// Prints the outcome of each of graphql-http's server audits as JSON.
import { serverAudits } from 'graphql-http';

const { TODO_URL: url, TODO_TOKEN: token } = process.env;

function fetchFn(address, init) {
  const headers = new Headers(init?.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  return fetch(address, { ...init, headers });
}

const outcomes = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  outcomes.push({ id, name, status, reason });
}
console.log(JSON.stringify(outcomes));
