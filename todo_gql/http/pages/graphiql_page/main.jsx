// The page: GraphiQL below the bar for the access token.

import './workers.js';
import { GraphiQL } from 'graphiql';
import { useEffect, useMemo, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createFetcher } from './fetcher.js';
import { TokenBar } from './TokenBar.jsx';
import { findAccessToken, onTokenOfOtherTab, storedToken, storeToken } from './token.js';
import { WELCOME_TABS } from './welcome.js';

const isUnauthenticated = (answer) =>
  Array.isArray(answer?.errors) &&
  answer.errors.some((error) => error?.extensions?.code === 'UNAUTHENTICATED');

function Page() {
  const [token, setToken] = useState(storedToken);
  const [refused, setRefused] = useState(false);
  const [found, setFound] = useState('');
  const current = useRef(token);

  const take = (next) => {
    current.current = next;
    setToken(next);
    setRefused(false);
  };
  const keep = (next) => {
    storeToken(next);
    take(next);
  };

  useEffect(() => onTokenOfOtherTab(take), []);

  const fetcher = useMemo(
    () =>
      createFetcher(
        () => current.current,
        (answer, withToken) => {
          if (withToken && isUnauthenticated(answer)) setRefused(true);
          const inAnswer = findAccessToken(answer?.data);
          if (inAnswer) setFound(inAnswer);
        },
      ),
    [],
  );

  return (
    <>
      <h1 className="visually-hidden">GraphiQL of todo_gql</h1>
      <TokenBar
        token={token}
        refused={refused}
        offered={found === token ? '' : found}
        onUse={keep}
        onForget={() => {
          setFound('');
          keep('');
        }}
      />
      <main>
        <GraphiQL
          fetcher={fetcher}
          defaultTabs={WELCOME_TABS}
          defaultQuery=""
          inputValueDeprecation
          schemaDescription
        >
          <GraphiQL.Logo>todo_gql</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

createRoot(document.getElementById('page')).render(<Page />);
