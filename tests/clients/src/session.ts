// Where a front end keeps its tokens, and how it trades them once the server refuses the old ones.
import { type DocumentNode, print } from 'graphql';
import { REFRESH } from './operations';

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  /** Who is signed in, so that what one person sent is never sent again as another's. */
  username?: string;
}

export interface Session {
  url: string;
  tokens: Tokens | null;
}

/** The tokens couldn't be traded just now. They are kept: the same may work in a while. */
export class NotNow extends Error {}

const KEY = 'todo_gql.security.tokens';
// A trade whose answer is lost is told again for 10 seconds; later the same token looks stolen.
const TRIES = 3;
const PAUSE_MS = 1_000;
const RETOLD_MS = 8_000;
// The server answers within 10 seconds.
const PATIENCE_MS = 12_000;
const OVER = new Set(['INVALID_TOKEN', 'ACCOUNT_DISABLED']);

/** A session of all tabs of a browser: what one of them trades the others have, too. */
export function sharedSession(url: string, place: Storage = localStorage): Session {
  return {
    url,
    get tokens() {
      return JSON.parse(place.getItem(KEY) ?? 'null') as Tokens | null;
    },
    set tokens(next) {
      if (next) place.setItem(KEY, JSON.stringify(next));
      else place.removeItem(KEY);
    },
  };
}

/** A document's id in persisted-documents.json; undefined if graphql-codegen wrote none into it. */
export function idOf(document: DocumentNode): string | undefined {
  return (document as { __meta__?: { hash: string } }).__meta__?.hash;
}

export function authorization(session: Session): Record<string, string> {
  return session.tokens ? { authorization: `Bearer ${session.tokens.accessToken}` } : {};
}

/** A fetch with the session's token, which trades it and asks once more if it opened nothing. */
export function fetchAs(session: Session): typeof fetch {
  return async (input, init) => {
    const sent = session.tokens;
    const send = () => {
      const headers = new Headers(init?.headers);
      for (const [name, value] of Object.entries(authorization(session))) headers.set(name, value);
      return fetch(input, { ...init, headers });
    };
    const answer = await send();
    if (!sent || !isRefused(answer)) return answer;
    await refresh(session, sent.accessToken);
    if (!session.tokens || session.tokens.username !== sent.username) return answer;
    await answer.body?.cancel();
    return send();
  };
}

/** Whether the server says that the token opened nothing, whatever else is in the answer. */
function isRefused({ status, headers }: Response): boolean {
  return status === 401 || (headers.get('www-authenticate') ?? '').includes('invalid_token');
}

const trades = new WeakMap<Session, Promise<void>>();

/**
 * Trades the refresh token for new tokens, once, however many requests and tabs ask meanwhile.
 *
 * Nothing is done when the access token that was refused isn't the newest any more. Afterwards
 * `session.tokens` is null if the session is over; throws NotNow, and keeps the tokens, for whatever
 * passes: no network, a proxy's page, a server that is busy or can't reach its database.
 */
export function refresh(session: Session, refused = session.tokens?.accessToken): Promise<void> {
  const underWay = trades.get(session) ?? alone(session, refused);
  trades.set(session, underWay);
  return underWay;
}

async function alone(session: Session, refused: string | undefined): Promise<void> {
  try {
    const work = () => trade(session, refused);
    // Browsers have locks, which all tabs share: one of them trades for what was refused to all.
    // Where there are none the server's 10 seconds help.
    await (globalThis.navigator?.locks?.request(`${KEY} ${refused}`, work) ?? work());
  } finally {
    trades.delete(session);
  }
}

async function trade(session: Session, refused: string | undefined): Promise<void> {
  const old = session.tokens;
  if (!old || old.accessToken !== refused) return;
  const { tokens, errors } = await tradeFor(session.url, old.refreshToken);
  // Somebody may have signed out, in, or traded meanwhile.
  if (session.tokens?.refreshToken !== old.refreshToken) return;
  if (tokens) session.tokens = { ...old, ...tokens };
  else if (errors.some(({ code }) => OVER.has(code))) session.tokens = null;
  else throw new NotNow(errors[0]?.message);
}

interface Payload {
  tokens: Tokens | null;
  errors: { code: string; message: string }[];
}

interface Body {
  data?: { tokenRefresh?: Payload | null } | null;
  errors?: { message: string; extensions?: { reason?: string } }[];
}

/** The payload of a trade. What may have been done is asked again while the server tells it again. */
async function tradeFor(url: string, refreshToken: string): Promise<Payload> {
  const began = Date.now();
  for (let tries = 1; ; tries += 1) {
    const body = await ask(url, refreshToken);
    const payload = body instanceof Error ? undefined : body.data?.tokenRefresh;
    if (payload) return payload;
    const isUnknown =
      body instanceof Error || body.errors?.[0]?.extensions?.reason === 'OUTCOME_UNKNOWN';
    if (!isUnknown || tries === TRIES || Date.now() - began > RETOLD_MS) {
      throw new NotNow(body instanceof Error ? body.message : body.errors?.[0]?.message);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** The answer of the server, or an error where there is none, or one of somebody else. */
async function ask(url: string, refreshToken: string): Promise<Body | Error> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      // Whichever of the two the server knows.
      body: JSON.stringify({
        documentId: idOf(REFRESH),
        query: print(REFRESH),
        variables: { refreshToken },
      }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const body = (await answer.json()) as Body | null;
    const isGraphQL = typeof body === 'object' && body && ('data' in body || 'errors' in body);
    return isGraphQL ? body : new Error(`No GraphQL, but status ${answer.status}`);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
