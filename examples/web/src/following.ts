// Keeps the list in step with the server: cursor, list, and then each change in its order.
import { batch } from '@preact/signals';
import { dataOf, SignedOut } from './answers';
import { LOAD } from './operations';
import { delayAfter, messageOf, pause } from './retrying';
import { type ChangeEvent, changesAfter, server } from './server';
import type { Todos } from './todos';

/** A connection that held for as long, in milliseconds, has nothing to do with the next failure. */
const STABLE = 10_000;

/** Loads the list and follows its changes until the signal aborts, whatever happens on the way. */
export async function follow(todos: Todos, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
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

/** Loads the list down to where it was loaded before, and gives the cursor to go on from. */
async function load(todos: Todos): Promise<string> {
  const before = todos.loaded.value ? todos.told.value.size : 0;
  // The cursor comes with the first page, so that whatever changes from then on is told again.
  const { changeCursor, todos: first } = await dataOf(server.query(LOAD, {}));
  const nodes = [...first.nodes];
  let { pageInfo } = first;
  while (pageInfo.hasNextPage && nodes.length < before) {
    const { todos: page } = await dataOf(server.query(LOAD, { after: pageInfo.endCursor }));
    nodes.push(...page.nodes);
    pageInfo = page.pageInfo;
  }
  batch(() => {
    todos.replaceBy(nodes);
    const next = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    todos.loaded.value = { last: nodes.at(-1), next };
  });
  return changeCursor;
}

/** Loads the next, older page; throws as dataOf does. */
export async function loadMore(todos: Todos): Promise<void> {
  const before = todos.loaded.value;
  if (!before?.next) return;
  const { todos: page } = await dataOf(server.query(LOAD, { after: before.next }));
  // Unless all was loaded anew meanwhile, and ends elsewhere now.
  if (todos.loaded.value !== before) return;
  batch(() => {
    todos.take(page.nodes);
    const next = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    todos.loaded.value = { last: page.nodes.at(-1) ?? before.last, next };
  });
}

function apply(todos: Todos, event: ChangeEvent): void {
  if (event.__typename === 'ResyncRequired') {
    // Nothing follows; the next turn loads everything again.
    todos.cursor = undefined;
    return;
  }
  if (event.todo) todos.take([event.todo]);
  else todos.drop(event.todoId);
  todos.cursor = event.cursor;
}
