// Who is in lists: loaded when something shows it, and again whenever that changes.
import type { PersonFragment as Person } from './__generated__/graphql';
import { dataOf } from './answers';
import { canBeAssigned } from './roles';
import { messageOf } from './retrying';
import { server } from './server';
import { type Invitation, LOAD_MEMBERS, type Member } from './sharing-operations';
import type { Todos } from './todos';

/** The members of a list, and the open invitations to it where the viewer may see these. */
export interface Membership {
  readonly members: readonly Member[];
  readonly invitations: readonly Invitation[];
}

/** Loads who is in a list; the page says why if that fails. */
export async function loadMembers(todos: Todos, listId: string): Promise<void> {
  try {
    const { node } = await dataOf(server.query(LOAD_MEMBERS, { id: listId }));
    if (node?.__typename !== 'TodoList') return;
    const { members, invitations } = node;
    const membership = { members: members.nodes, invitations: invitations.nodes };
    todos.memberships.value = new Map(todos.memberships.value).set(listId, membership);
  } catch (error) {
    todos.refuse(`Who is in the list can’t be shown. ${messageOf(error)}`);
  }
}

/** Loads who is in a list again, if that is shown anywhere. */
export function reloadMembers(todos: Todos, listId: string): void {
  if (todos.memberships.value.has(listId)) void loadMembers(todos, listId);
}

/** The people in a list; none in the inbox, or until they are loaded. */
export function peopleIn(todos: Todos, listId: string | undefined): readonly Person[] {
  return membersOf(todos, listId).map(({ user }) => user);
}

/** The people to whom todos of a list can be assigned. */
export function assignees(todos: Todos, listId: string): readonly Person[] {
  return membersOf(todos, listId)
    .filter(({ role }) => canBeAssigned(role))
    .map(({ user }) => user);
}

function membersOf(todos: Todos, listId: string | undefined): readonly Member[] {
  return todos.memberships.value.get(listId ?? '')?.members ?? [];
}
