// What somebody may do in a list, and how that is said. The server decides; the page only doesn't offer
// what it would refuse.
import type { ListRole } from './__generated__/graphql';
import type { List } from './list-operations';
import type { Todo } from './operations';
import { listNamed } from './shown';
import type { Todos } from './todos';

const RANKS: Record<ListRole, number> = { VIEWER: 0, EDITOR: 1, MANAGER: 2, OWNER: 3 };

export const ROLE_NAMES: Record<ListRole, string> = {
  VIEWER: 'Viewer',
  EDITOR: 'Editor',
  MANAGER: 'Manager',
  OWNER: 'Owner',
};

/** What each role may do, for whoever chooses one. */
export const ROLE_WORDS: Record<Exclude<ListRole, 'OWNER'>, string> = {
  VIEWER: 'Viewer: reads',
  EDITOR: 'Editor: writes todos and comments',
  MANAGER: 'Manager: also changes the list and its members',
};

export const GIVEN_ROLES = Object.keys(ROLE_WORDS) as Exclude<ListRole, 'OWNER'>[];

/** Whether the viewer has a role in a list, or a higher one. */
export function has(list: List, role: ListRole): boolean {
  return RANKS[list.viewerRole] >= RANKS[role];
}

/** Whether todos of a list may be written; in the inbox everybody may. */
export function mayWriteIn(todos: Todos, listId: string | null | undefined): boolean {
  const list = listId ? listNamed(todos, listId) : undefined;
  return !list || has(list, 'EDITOR');
}

export function mayWrite(todos: Todos, todo: Todo): boolean {
  return mayWriteIn(todos, todo.list?.id);
}

/** Who is in a list and may write its todos, so that these can be assigned to them. */
export function canBeAssigned(role: ListRole): boolean {
  return RANKS[role] >= RANKS.EDITOR;
}

/** Why nothing of a list can be changed. */
export function whyNot({ owner }: List): string {
  return `You may read this list of ${owner.username}’s, but not change it. Who manages the list can make you an editor.`;
}
