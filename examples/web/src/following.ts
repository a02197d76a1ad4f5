// Keeps the page in step with the server: cursor, lists, todos, and then each change in its order.
import { batch, effect } from '@preact/signals';
import { SET_ZONE, ZONE } from './account-operations';
import { dataOf, SignedOut } from './answers';
import { loadOverview, loadSubtasks, loadView } from './loading';
import { delayAfter, messageOf, pause, TryAgainLater, until } from './retrying';
import { type ChangeEvent, changesAfter, server } from './server';
import { browserZone } from './times';
import type { Todos } from './todos';
import { isSame, listOf, type View, view } from './view';

/** A connection that held for as long, in milliseconds, has nothing to do with the next failure. */
const STABLE = 10_000;

/** How long the counts stay as they are at least, in seconds: each loading is charged. */
const CALM = 1;

/** Loads what is shown and follows its changes until the signal aborts, whatever happens. */
export async function follow(todos: Todos, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    const began = Date.now();
    try {
      todos.cursor ??= await load(todos);
      for await (const event of changesAfter(todos.cursor, signal)) apply(todos, event);
    } catch (error) {
      if (error instanceof SignedOut) return;
      failures = Date.now() - began > STABLE ? 0 : failures + 1;
      todos.followingTrouble.value = messageOf(error);
      await pause(delayAfter(error, failures), signal);
    }
  }
}

/** Loads everything anew, and gives the cursor to go on from. */
async function load(todos: Todos): Promise<string> {
  todos.zone.value = await timeZone();
  // The cursor comes before all todos, so that whatever changes from then on is told again.
  const cursor = await loadOverview(todos);
  let shown: View;
  do {
    shown = view.value;
    await loadView(todos, shown, true);
  } while (!isSame(shown, view.value));
  for (const id of todos.expanded.value) await loadSubtasks(todos, id);
  return cursor;
}

/** The zone of the profile, where days begin; a new account gets that of this browser. */
async function timeZone(): Promise<string> {
  const { viewer } = await dataOf(server.query(ZONE, {}));
  if (viewer?.timeZone) return viewer.timeZone;
  await dataOf(server.mutation(SET_ZONE, { timeZone: browserZone }));
  return browserZone;
}

function apply(todos: Todos, event: ChangeEvent): void {
  if (event.__typename === 'ResyncRequired') {
    // Nothing follows; the next turn loads everything again.
    todos.cursor = undefined;
    return;
  }
  const { todo, todoId, fields } = event;
  batch(() => {
    if (todo) todos.take([todo]);
    else todos.drop(todoId);
    const parents = fields.filter(({ name }) => name === 'parentId').map(({ before }) => before);
    todos.refresh(...[todo?.parent?.id, ...parents].filter((id) => typeof id === 'string'));
  });
  todos.cursor = event.cursor;
}

/**
 * Loads lists, counts and filtered views again after changes, until the signal aborts: what comes in
 * while an answer is on its way waits for it, so that many changes are a few requests.
 */
export async function keepFresh(todos: Todos, signal: AbortSignal): Promise<void> {
  for (let failures = 0; ;) {
    await until(() => todos.stale.value !== null && todos.cursor !== undefined);
    if (signal.aborted) return;
    const stale = [...(todos.stale.value ?? [])];
    todos.stale.value = null;
    const shown = view.value;
    try {
      await loadOverview(todos, stale);
      if (listOf(shown) === undefined) await loadView(todos, shown);
      failures = 0;
      await pause(CALM, signal);
    } catch (error) {
      if (error instanceof SignedOut) return;
      todos.refresh(...stale);
      if (!(error instanceof TryAgainLater)) todos.refuse(messageOf(error));
      await pause(delayAfter(error, failures++), signal);
    }
  }
}

/** Loads what is to be shown whenever that is something else, until the signal aborts. */
export function showViews(todos: Todos, signal: AbortSignal): void {
  const stop = effect(() => {
    const shown = view.value;
    const leaving = new AbortController();
    void show(todos, shown, AbortSignal.any([signal, leaving.signal]));
    return () => leaving.abort();
  });
  signal.addEventListener('abort', stop);
}

async function show(todos: Todos, shown: View, signal: AbortSignal): Promise<void> {
  // The first view is loaded with everything else.
  for (let failures = 0; todos.cursor !== undefined && !signal.aborted;) {
    try {
      await loadOverview(todos);
      return await loadView(todos, shown);
    } catch (error) {
      if (error instanceof SignedOut) return;
      if (!(error instanceof TryAgainLater)) return todos.refuse(messageOf(error));
      await pause(delayAfter(error, failures++), signal);
    }
  }
}
