// Loads lists and counts, the pages of a view, and subtasks.
import { batch } from '@preact/signals';
import { dataOf } from './answers';
import type { ListPageFragment, LoadTodosQueryVariables } from './__generated__/graphql';
import { type List, MORE_LISTS, OVERVIEW } from './list-operations';
import { LOAD, type Todo } from './operations';
import { server } from './server';
import { isLoaded, listNamed } from './shown';
import type { Todos } from './todos';
import { addressOf, isSame, listOf, queryOf, type View, view } from './view';

const PAGE = 50;
const LARGEST_PAGE = 100;

/** Loads lists, views and counts, and some todos anew; throws as dataOf does. */
export async function loadOverview(todos: Todos, ids: readonly string[] = []): Promise<string> {
  const before = view.value;
  const listId = listOf(before) ?? '';
  const variables = { listId, isList: listId !== '', refreshed: ids.slice(-LARGEST_PAGE) };
  const data = await dataOf(server.query(OVERVIEW, variables));
  const { changeCursor, active, archived, shown, savedViews, inbox, facets, nodes } = data;
  const invitations = data.invitations.nodes;
  const lists = [...(await allLists(false, active)), ...(await allLists(true, archived))];
  const sections = shown?.__typename === 'TodoList' ? shown.sections : [];
  batch(() => {
    todos.overview.value = { lists, listId, sections, savedViews, inbox, facets, invitations };
    todos.take(nodes.filter((node) => node?.__typename === 'Todo'));
  });
  // A list that is gone can't be shown any longer.
  const isGone = before.kind === 'list' && !listNamed(todos, before.id);
  if (isGone && isSame(before, view.value)) location.hash = addressOf({ kind: 'inbox' });
  return changeCursor;
}

async function allLists(isArchived: boolean, first: ListPageFragment): Promise<List[]> {
  const lists = [...first.nodes];
  for (let { pageInfo } = first; pageInfo.hasNextPage;) {
    const after = pageInfo.endCursor;
    const { lists: page } = await dataOf(server.query(MORE_LISTS, { isArchived, after }));
    lists.push(...page.nodes);
    pageInfo = page.pageInfo;
  }
  return lists;
}

/** Loads a view, down to where it was loaded before; throws as dataOf does. */
export async function loadView(todos: Todos, shown: View, isResync = false): Promise<void> {
  const known = isLoaded(todos, shown) ? (todos.loaded.value?.ids.length ?? 0) : 0;
  const query = queryOf(shown, todos.overview.value);
  const nodes: Todo[] = [];
  let after: string | null = null;
  do {
    const first = known > PAGE ? LARGEST_PAGE : PAGE;
    const page = await loadPage({ ...query, first, after });
    nodes.push(...page.nodes);
    after = page.next;
  } while (after !== null && nodes.length < known);
  // Unless something else is shown by now.
  if (!isSame(view.value, shown)) return;
  batch(() => {
    if (isResync) todos.replaceBy(nodes);
    else todos.take(nodes);
    todos.edited.value = new Set();
    const ids = nodes.map(({ id }) => id);
    todos.loaded.value = { view: shown, ids, last: nodes.at(-1)?.position ?? '', next: after };
  });
}

/** Loads the next page; throws as dataOf does. */
export async function loadMore(todos: Todos): Promise<void> {
  const before = todos.loaded.value;
  if (!before?.next) return;
  const query = queryOf(before.view, todos.overview.value);
  const { nodes, next } = await loadPage({ ...query, first: PAGE, after: before.next });
  // Unless all was loaded anew meanwhile, and ends elsewhere now.
  if (todos.loaded.value !== before) return;
  batch(() => {
    todos.take(nodes);
    const ids = [...new Set([...before.ids, ...nodes.map(({ id }) => id)])];
    const last = nodes.at(-1)?.position ?? before.last;
    todos.loaded.value = { view: before.view, ids, last, next };
  });
}

/** Loads all subtasks of a todo; throws as dataOf does. */
export async function loadSubtasks(todos: Todos, id: string): Promise<void> {
  const filter = { parentId: { eq: id } };
  const sort = [{ field: 'POSITION' as const, direction: 'ASC' as const }];
  let after: string | null = null;
  do {
    const page = await loadPage({ filter, sort, first: LARGEST_PAGE, after });
    todos.take(page.nodes);
    after = page.next;
  } while (after !== null);
}

type Page = { nodes: readonly Todo[]; next: string | null };

async function loadPage(variables: LoadTodosQueryVariables): Promise<Page> {
  const { todos } = await dataOf(server.query(LOAD, variables));
  const { hasNextPage, endCursor } = todos.pageInfo;
  return { nodes: todos.nodes, next: hasNextPage ? endCursor : null };
}
