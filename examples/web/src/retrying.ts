// What has to be tried again, and when.
import { effect } from '@preact/signals';

export const UNREACHABLE = 'The server can’t be reached.';

/** The server wasn't reached, or asks to be left alone for some seconds; the same may work then. */
export class TryAgainLater extends Error {
  constructor(
    message: string,
    readonly seconds?: number,
  ) {
    super(message);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How long to wait after an error, and so many failures in a row, in seconds. */
export function delayAfter(error: unknown, failures: number): number {
  // At random, so that a server that comes back doesn't meet all its clients at once.
  if (error instanceof TryAgainLater && error.seconds) return error.seconds + Math.random();
  return Math.min(10, 0.5 * 2 ** failures) * (0.5 + Math.random() / 2);
}

/** Waits, but no longer than until the browser is online again or the signal aborts. */
export function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, seconds * 1000);
    function end() {
      clearTimeout(timer);
      removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    }
    addEventListener('online', end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

/** Waits until a condition on signals holds. */
export function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = effect(() => {
      if (!holds()) return;
      resolve();
      queueMicrotask(() => stop());
    });
  });
}
