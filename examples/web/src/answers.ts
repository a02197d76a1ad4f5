// How requests are sent, and what an answer comes to: data, or why there is none.
import type { CombinedError, OperationResult } from '@urql/core';
import { TryAgainLater, UNREACHABLE } from './retrying';

const TEMPORARY = new Set(['RATE_LIMITED', 'TIMEOUT', 'UNAUTHENTICATED', 'UNAVAILABLE']);

/** The session is over: only signing in again helps. */
export class SignedOut extends Error {}

/** A fetch that gives up a while after the server has: that does so after 10 seconds. */
export const fetchInTime: typeof fetch = (input, init) => {
  const signals = [AbortSignal.timeout(15_000), ...(init?.signal ? [init.signal] : [])];
  return fetch(input, { ...init, signal: AbortSignal.any(signals) });
};

/** The data of an answer; throws SignedOut, TryAgainLater, or an Error with the server's words. */
export async function dataOf<Data>(answer: PromiseLike<OperationResult<Data>>): Promise<Data> {
  const { data, error } = await answer;
  if (error) throw reason(error);
  return data as Data;
}

export function isUnauthenticated(error: CombinedError): boolean {
  return error.graphQLErrors.some(({ extensions }) => extensions['code'] === 'UNAUTHENTICATED');
}

function reason({ networkError, graphQLErrors: [first] }: CombinedError): Error {
  if (networkError instanceof SignedOut || networkError instanceof TryAgainLater) {
    return networkError;
  }
  if (!first) return new TryAgainLater(UNREACHABLE);
  const { code, retryAfter } = first.extensions;
  return TEMPORARY.has(String(code))
    ? new TryAgainLater(first.message, typeof retryAfter === 'number' ? retryAfter : undefined)
    : new Error(first.message);
}
