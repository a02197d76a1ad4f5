// What the page shows: the inbox, a list, a group of days, a saved view, a search, one todo,
// or importing and exporting. The address's fragment names it, so that it can be linked, and survives a reload.
import { signal } from '@preact/signals';
import type { DayGroup, TodoFilter, TodoSort } from './__generated__/graphql';
import type { Overview } from './todos';

export type View =
  | { readonly kind: 'inbox' }
  | { readonly kind: 'list'; readonly id: string }
  | { readonly kind: 'days'; readonly group: keyof typeof DAYS }
  | { readonly kind: 'view'; readonly id: string }
  | { readonly kind: 'search'; readonly text: string }
  | { readonly kind: 'todo'; readonly id: string }
  | { readonly kind: 'invitation'; readonly token: string }
  | { readonly kind: 'transfer' };

/** The groups of days in the sidebar, by the names that they have in addresses. */
export const DAYS = {
  today: { title: 'Today', groups: ['TODAY'] },
  overdue: { title: 'Overdue', groups: ['OVERDUE'] },
  week: { title: 'Next 7 days', groups: ['TODAY', 'TOMORROW', 'NEXT_7_DAYS'] },
} as const satisfies Record<string, { title: string; groups: readonly DayGroup[] }>;

/** Where the links in mails of invitations lead. */
const INVITATION = '/account/invitation';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** What is shown at present. */
export const view = signal(read());

addEventListener('hashchange', () => {
  view.value = read();
});

// Pushes lead to ?todo=…: to a tab that is open the service worker hands the address, so that
// nothing is lost that isn't saved yet.
const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
serviceWorker?.addEventListener('message', ({ data }) => showLinked(String(data)));
serviceWorker?.startMessages();
showLinked(location.href);

function showLinked(address: string): void {
  const { pathname, searchParams } = new URL(address);
  const [id, token] = [searchParams.get('todo'), searchParams.get('token')];
  // The token leaves the address, which browsers remember and send on.
  if (token && pathname === INVITATION) go('/', { kind: 'invitation', token });
  if (id) go(location.pathname, { kind: 'todo', id });
}

function go(path: string, shown: View): void {
  history.replaceState(null, '', `${path}${addressOf(shown)}`);
  view.value = read();
}

function read(): View {
  const [kind = '', ...rest] = location.hash.slice(1).split('/');
  const value = decodeURIComponent(rest.join('/'));
  if ((kind === 'list' || kind === 'view') && value) return { kind, id: value };
  if (kind === 'todo' && UUID.test(value)) return { kind, id: value };
  if (kind === 'invitation' && value) return { kind, token: value };
  if (kind === 'days' && value in DAYS) return { kind, group: value as keyof typeof DAYS };
  if (kind === 'transfer') return { kind };
  if (kind === 'search' && value) return { kind, text: value };
  return { kind: 'inbox' };
}

/** The address of a view. */
export function addressOf(shown: View): string {
  switch (shown.kind) {
    case 'inbox':
    case 'transfer':
      return `#${shown.kind}`;
    case 'days':
      return `#days/${shown.group}`;
    case 'invitation':
      return `#invitation/${encodeURIComponent(shown.token)}`;
    case 'search':
      return `#search/${encodeURIComponent(shown.text)}`;
    default:
      return `#${shown.kind}/${encodeURIComponent(shown.id)}`;
  }
}

export function isSame(one: View, other: View): boolean {
  return addressOf(one) === addressOf(other);
}

/** The list whose todos are shown in their own order, null for the inbox; undefined elsewhere. */
export function listOf(shown: View): string | null | undefined {
  if (shown.kind === 'inbox') return null;
  return shown.kind === 'list' ? shown.id : undefined;
}

/** What the server is asked for to show a view. */
export function queryOf(
  shown: View,
  overview: Overview | null,
): { filter: TodoFilter; sort: TodoSort[] | null } {
  switch (shown.kind) {
    case 'days': {
      const groups = [...DAYS[shown.group].groups];
      const filter: TodoFilter = {
        due: { in: groups },
        status: { in: ['PENDING', 'IN_PROGRESS'] },
      };
      return { filter, sort: [{ field: 'DUE', direction: 'ASC' }] };
    }
    case 'view': {
      const saved = overview?.savedViews.find(({ id }) => id === shown.id);
      // They are stored as the JSON of these inputs. One that is gone shows nothing.
      const filter = (saved?.filter ?? { id: { in: [] } }) as TodoFilter;
      return { filter, sort: (saved?.sort ?? null) as TodoSort[] | null };
    }
    case 'search':
      return { filter: { search: shown.text }, sort: null };
    case 'todo':
      return { filter: { id: { in: [shown.id] } }, sort: null };
    case 'invitation':
    case 'transfer':
      return { filter: { id: { in: [] } }, sort: null };
    default: {
      const listId = shown.kind === 'list' ? { eq: shown.id } : { isNull: true };
      // Subtasks are loaded when their parent is opened.
      const filter: TodoFilter = { listId, parentId: { isNull: true } };
      return { filter, sort: [{ field: 'POSITION', direction: 'ASC' }] };
    }
  }
}
