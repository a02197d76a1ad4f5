// What is done about the members of lists, and what the page does when the viewer is none any more.
import { batch } from '@preact/signals';
import type { ListRole } from './__generated__/graphql';
import { dataOf } from './answers';
import type { List } from './list-operations';
import { isDone } from './lists';
import { reloadMembers } from './members';
import { messageOf } from './retrying';
import { server } from './server';
import {
  ACCEPT_INVITATION,
  CHANGE_ROLE,
  DECLINE_INVITATION,
  INVITE,
  type Invitation,
  LEAVE_LIST,
  type Member,
  REMOVE_MEMBER,
  REVOKE_INVITATION,
  TRANSFER_LIST,
} from './sharing-operations';
import { listNamed } from './shown';
import type { Todos } from './todos';
import { addressOf, isSame, view } from './view';

/** By which an invitation is named: its id, or the token in the link of its mail. */
export type InvitationKey = { readonly id: string } | { readonly token: string };

/** Invites somebody, or says why not. The answer is the same whether there is such an account or not. */
export async function invite(
  todos: Todos,
  list: List,
  usernameOrEmail: string,
  role: ListRole,
): Promise<string> {
  const variables = { id: list.id, input: { usernameOrEmail, role } };
  try {
    const { listInvite } = await dataOf(server.mutation(INVITE, variables));
    const [problem] = listInvite?.errors ?? [];
    if (problem) return problem.message;
  } catch (error) {
    return messageOf(error);
  }
  reloadMembers(todos, list.id);
  return '';
}

/** Accepts an invitation and shows its list; whether that worked. */
export async function accept(todos: Todos, key: InvitationKey): Promise<boolean> {
  try {
    const { invitationAccept } = await dataOf(server.mutation(ACCEPT_INVITATION, key));
    const { list = null, errors = [] } = invitationAccept ?? {};
    if (list) {
      todos.refresh();
      location.hash = addressOf({ kind: 'list', id: list.id });
      return true;
    }
    todos.refuse(`The invitation was not accepted. ${errors[0]?.message ?? ''}`);
  } catch (error) {
    todos.refuse(`The invitation was not accepted. ${messageOf(error)}`);
  }
  todos.refresh();
  return false;
}

/** Declines an invitation; whether that worked. */
export function decline(todos: Todos, key: InvitationKey): Promise<boolean> {
  const refusal = server.mutation(DECLINE_INVITATION, key);
  return isDone(todos, 'The invitation was not declined.', refusal);
}

export async function revoke(todos: Todos, list: List, { id, sentTo }: Invitation): Promise<void> {
  const revocation = server.mutation(REVOKE_INVITATION, { id });
  await isDone(todos, `The invitation of ${sentTo} was not taken back.`, revocation);
  reloadMembers(todos, list.id);
}

export async function changeRole(
  todos: Todos,
  list: List,
  { id, user }: Member,
  role: ListRole,
): Promise<void> {
  const change = server.mutation(CHANGE_ROLE, { id, role });
  await isDone(todos, `The role of ${user.username} was not changed.`, change);
  reloadMembers(todos, list.id);
}

/** Removes a member; `reassignToId` is the account that is to do what they were to do, if any is. */
export async function removeMember(
  todos: Todos,
  list: List,
  { id, user }: Member,
  reassignToId: string | null,
): Promise<void> {
  const removal = server.mutation(REMOVE_MEMBER, { id, reassignToId });
  await isDone(todos, `${user.username} was not removed.`, removal);
  reloadMembers(todos, list.id);
}

export async function leaveList(todos: Todos, list: List): Promise<void> {
  const leaving = server.mutation(LEAVE_LIST, { id: list.id });
  if (await isDone(todos, `You have not left “${list.name}”.`, leaving)) dropList(todos, list.id);
}

/** Makes another member the owner, or says why not. */
export async function transferList(
  todos: Todos,
  { id }: List,
  toId: string,
  currentPassword: string,
): Promise<string> {
  try {
    const variables = { id, toId, currentPassword };
    const { listTransfer } = await dataOf(server.mutation(TRANSFER_LIST, variables));
    const [problem] = listTransfer?.errors ?? [];
    if (problem) return problem.message;
  } catch (error) {
    return messageOf(error);
  }
  todos.refresh();
  reloadMembers(todos, id);
  return '';
}

/**
 * Forgets everything of a list, and says why if there is a reason: whoever was removed from it sees
 * nothing of it any more, not even what was loaded before.
 */
export function dropList(todos: Todos, id: string, reason?: string): void {
  const list = listNamed(todos, id);
  const isShown = isSame(view.value, { kind: 'list', id });
  const gone = new Set(
    [...todos.all.value.values()].filter((todo) => todo.list?.id === id).map((todo) => todo.id),
  );
  batch(() => {
    todos.told.value = without(todos.told.value, gone);
    todos.comments.value = without(todos.comments.value, gone);
    todos.memberships.value = without(todos.memberships.value, new Set([id]));
    // They would only be refused.
    todos.edits.value = todos.edits.value.filter(({ ids }) => !ids.some((one) => gone.has(one)));
    const { value: overview } = todos.overview;
    if (overview) {
      const lists = overview.lists.filter((other) => other.id !== id);
      todos.overview.value = { ...overview, lists };
    }
    if (list && reason) todos.refuse(reason);
    todos.undoable.value = null;
  });
  if (isShown) location.hash = addressOf({ kind: 'inbox' });
}

function without<Value>(
  known: ReadonlyMap<string, Value>,
  ids: ReadonlySet<string>,
): ReadonlyMap<string, Value> {
  return new Map([...known].filter(([id]) => !ids.has(id)));
}
