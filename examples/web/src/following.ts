// Keeps the page in step with the server: cursor, lists, todos, and then each change in its order.
import { batch, effect } from '@preact/signals';
import { SET_ZONE, ZONE } from './account-operations';
import { dataOf, SignedOut } from './answers';
import { dropComment, loadComments, takeComment } from './comments';
import { loadOverview, loadSubtasks, loadView } from './loading';
import { loadMembers, reloadMembers } from './members';
import { delayAfter, messageOf, pause, TryAgainLater, until } from './retrying';
import { type FeedEvent, feedAfter, server } from './server';
import { dropList } from './sharing';
import { listNamed } from './shown';
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
      for await (const event of feedAfter(todos.cursor, signal)) apply(todos, event);
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
  await loadViewer(todos);
  // The cursor comes before all todos, so that whatever changes from then on is told again.
  const cursor = await loadOverview(todos);
  let shown: View;
  do {
    shown = view.value;
    await loadView(todos, shown, true);
  } while (!isSame(shown, view.value));
  for (const id of todos.expanded.value) await loadSubtasks(todos, id);
  for (const id of todos.memberships.value.keys()) await loadMembers(todos, id);
  for (const id of todos.comments.value.keys()) await loadComments(todos, id);
  return cursor;
}

/** Who the viewer is, and the zone where their days begin; a new account gets that of this browser. */
async function loadViewer(todos: Todos): Promise<void> {
  const { viewer } = await dataOf(server.query(ZONE, {}));
  todos.viewerId.value = viewer?.id ?? '';
  todos.zone.value = viewer?.timeZone ?? browserZone;
  if (viewer && !viewer.timeZone) {
    await dataOf(server.mutation(SET_ZONE, { timeZone: browserZone }));
  }
}

function apply(todos: Todos, event: FeedEvent): void {
  switch (event.__typename) {
    case 'ResyncRequired':
      // Nothing follows; the next turn loads everything again.
      todos.cursor = undefined;
      return;
    case 'Change':
      applyChange(todos, event);
      break;
    case 'ListChange':
      if (event.action === 'DELETED') applyDeletion(todos, event);
      todos.refresh();
      break;
    case 'MemberChange':
      if (event.action === 'LEFT' && event.user?.id === todos.viewerId.value) {
        applyLeaving(todos, event);
      }
      reloadMembers(todos, event.listId);
      todos.refresh();
      break;
    case 'CommentChange':
      if (event.comment) takeComment(todos, event.todoId, event.comment);
      else dropComment(todos, event.todoId, event.commentId);
  }
  todos.cursor = event.cursor;
}

type Of<Name> = Extract<FeedEvent, { __typename: Name }>;

function applyChange(todos: Todos, { todo, todoId, fields }: Of<'Change'>): void {
  batch(() => {
    if (todo) todos.take([todo]);
    else todos.drop(todoId);
    const parents = fields.filter(({ name }) => name === 'parentId').map(({ before }) => before);
    todos.refresh(...[todo?.parent?.id, ...parents].filter((id) => typeof id === 'string'));
  });
}

/** A list of somebody else that was deleted is gone at once; one's own can be restored. */
function applyDeletion(todos: Todos, { listId }: Of<'ListChange'>): void {
  const list = listNamed(todos, listId);
  if (!list || list.viewerRole === 'OWNER') return;
  dropList(todos, listId, `${list.owner.username} has deleted the list “${list.name}”.`);
}

/** The viewer is in a list no more: removed by somebody, or by leaving it in another tab. */
function applyLeaving(todos: Todos, { listId, actor }: Of<'MemberChange'>): void {
  const list = listNamed(todos, listId);
  const isOwn = actor?.id === todos.viewerId.value;
  const reason = `You were removed from the list “${list?.name ?? ''}”: nothing of it is shown to you any more.`;
  dropList(todos, listId, isOwn ? undefined : reason);
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
