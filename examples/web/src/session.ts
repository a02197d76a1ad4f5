// Who is signed in: one pair of tokens for all tabs, traded for the next before it is worn out.
import { signal } from '@preact/signals';
import { Client, fetchExchange } from '@urql/core';
import type { RegisterInput, TokenPairFragment } from './__generated__/graphql';
import { REFRESH, REGISTER, SIGN_IN } from './account-operations';
import { dataOf, fetchInTime, SignedOut } from './answers';
import type { Problem } from './operations';
import { messageOf, TryAgainLater, UNREACHABLE } from './retrying';

export interface Session {
  username: string;
  accessToken: string;
  refreshToken: string;
  /** By this machine's clock, in milliseconds. */
  expiresAt: number;
}

const KEY = 'todo_gql.session';
const MARGIN = 10_000;
/** What ends a session. Whatever else is said of a trade, or isn't, passes. */
const OVER = new Set(['INVALID_TOKEN', 'ACCOUNT_DISABLED']);

/** The session that all tabs share; null when signed out. */
export const session = signal(read());

/** Whether the server has ended the session. */
export const isOver = signal(false);

addEventListener('storage', ({ key }) => {
  if (key === KEY || key === null) session.value = read();
});

// Signs in and trades tokens, which needs no token.
const anonymous = new Client({ url: '/graphql', exchanges: [fetchExchange], fetch: fetchInTime });

function read(): Session | null {
  const kept = localStorage.getItem(KEY);
  return kept === null ? null : (JSON.parse(kept) as Session);
}

function keep(username: string, { accessToken, refreshToken, expiresIn }: TokenPairFragment): void {
  const expiresAt = Date.now() + expiresIn * 1000;
  const next: Session = { username, accessToken, refreshToken, expiresAt };
  localStorage.setItem(KEY, JSON.stringify(next));
  session.value = next;
  isOver.value = false;
}

/** Signs out all tabs of this browser. */
export function forget(): void {
  localStorage.removeItem(KEY);
  session.value = null;
}

/** Signs in, or gives the problems with what was typed. */
export async function signIn(usernameOrEmail: string, password: string): Promise<Problem[]> {
  const input = { usernameOrEmail, password };
  const { login } = await dataOf(anonymous.mutation(SIGN_IN, { input }));
  if (login?.user && login.tokens) keep(login.user.username, login.tokens);
  return login?.errors ?? [];
}

/** Makes an account and signs in to it, or gives the problems with what was typed. */
export async function signUp(input: RegisterInput): Promise<Problem[]> {
  const { register } = await dataOf(anonymous.mutation(REGISTER, { input }));
  if (register?.user && register.tokens) keep(register.user.username, register.tokens);
  return register?.errors ?? [];
}

/** Whether the access token is about to expire, so that it isn't worth sending. */
export function isWorn(): boolean {
  return session.value !== null && session.value.expiresAt - MARGIN < Date.now();
}

/**
 * Trades the refresh token for the next pair of tokens; throws SignedOut when the session is over, and
 * TryAgainLater, with the tokens kept, for all that passes.
 *
 * A refresh token is good once, and using it twice looks like theft. So one tab trades at a time,
 * and not if another has just done so: the token is neither the one that was refused, nor worn.
 * (What another tab has stored may take a moment to be seen here, even after its lock. The server
 * gives the same pair to who trades the same token again within 10 seconds, so that does no harm.)
 */
export function refresh(refused?: string, whose?: string): Promise<void> {
  return navigator.locks.request(KEY, async () => {
    session.value = read();
    if (!session.value) throw new SignedOut();
    const { username, accessToken, refreshToken } = session.value;
    // What one person has sent is never sent again as another's.
    if (whose !== undefined && username !== whose) throw new SignedOut();
    if (accessToken !== refused && !isWorn()) return;
    const { tokenRefresh } = await dataOf(anonymous.mutation(REFRESH, { refreshToken })).catch(
      later,
    );
    session.value = read();
    // Another tab may have signed out, or somebody else in, meanwhile.
    if (session.value?.refreshToken !== refreshToken) {
      throw session.value ? new TryAgainLater(UNREACHABLE) : new SignedOut();
    }
    if (tokenRefresh?.tokens) return keep(username, tokenRefresh.tokens);
    const [problem] = tokenRefresh?.errors ?? [];
    if (!problem || !OVER.has(problem.code)) {
      throw new TryAgainLater(problem?.message ?? UNREACHABLE);
    }
    isOver.value = true;
    forget();
    throw new SignedOut();
  });
}

function later(error: unknown): never {
  throw error instanceof TryAgainLater ? error : new TryAgainLater(messageOf(error));
}
