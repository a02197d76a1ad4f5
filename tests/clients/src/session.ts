// Where a front end keeps its tokens, and how it trades them once the server refuses the old ones.
import { print } from 'graphql';
import { REFRESH } from './operations';

export interface Tokens {
  accessToken: string;
  refreshToken: string;
}

export interface Session {
  url: string;
  tokens: Tokens | null;
}

export function authorization(session: Session): Record<string, string> {
  return session.tokens ? { authorization: `Bearer ${session.tokens.accessToken}` } : {};
}

async function trade(session: Session): Promise<void> {
  const answer = await fetch(session.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: print(REFRESH),
      variables: { refreshToken: session.tokens?.refreshToken ?? '' },
    }),
  });
  const { data } = (await answer.json()) as {
    data?: { tokenRefresh: { tokens: Tokens | null } | null };
  };
  session.tokens = data?.tokenRefresh?.tokens ?? null;
}

const trades = new WeakMap<Session, Promise<void>>();

/** Trades the refresh token for new tokens, once, however many requests ask for it meanwhile. */
export function refresh(session: Session): Promise<void> {
  const underWay = trades.get(session) ?? trade(session).finally(() => trades.delete(session));
  trades.set(session, underWay);
  return underWay;
}
