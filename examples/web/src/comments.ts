// The comments on todos whose panels are open: loaded once, then kept in step by events.
import type { CommentResultFragment } from './__generated__/graphql';
import { dataOf } from './answers';
import {
  type Comment,
  DELETE_COMMENT,
  EDIT_COMMENT,
  LOAD_COMMENTS,
  WRITE_COMMENT,
} from './comment-operations';
import { withMentions } from './mentions';
import { loadMembers, peopleIn } from './members';
import type { Todo } from './operations';
import { server } from './server';
import type { Todos } from './todos';

/** The newest comments on a todo, oldest first. */
export interface Comments {
  readonly comments: readonly Comment[];
  /** Where older ones go on, null if there are none. */
  readonly older: string | null;
}

/** Loads the newest comments on a todo, or more that are older; throws as dataOf does. */
export async function loadComments(todos: Todos, todoId: string, before?: string): Promise<void> {
  const variables = { todoId, before: before ?? null };
  const { node } = await dataOf(server.query(LOAD_COMMENTS, variables));
  if (node?.__typename !== 'Todo') return;
  const { nodes, pageInfo } = node.comments;
  const known = todos.comments.value.get(todoId)?.comments ?? [];
  const older = pageInfo.hasPreviousPage ? pageInfo.startCursor : null;
  set(todos, todoId, { comments: merged(known, nodes), older });
}

/** Takes over a comment of an event or an answer, if comments on its todo are loaded. */
export function takeComment(todos: Todos, todoId: string, comment: Comment): void {
  const known = todos.comments.value.get(todoId);
  if (known) set(todos, todoId, { ...known, comments: merged(known.comments, [comment]) });
}

/** Takes out a comment that can't be seen any more. */
export function dropComment(todos: Todos, todoId: string, id: string): void {
  const known = todos.comments.value.get(todoId);
  if (!known) return;
  set(todos, todoId, { ...known, comments: known.comments.filter((other) => other.id !== id) });
}

/** Writes a comment, or says why not; sent again with the same id it is written once. */
export async function writeComment(
  todos: Todos,
  todo: Todo,
  id: string,
  typed: string,
): Promise<string> {
  const input = { id, body: await stored(todos, todo, typed) };
  const variables = { todoId: todo.id, input };
  const { commentCreate } = await dataOf(server.mutation(WRITE_COMMENT, variables));
  if (commentCreate?.errors[0]?.code === 'ALREADY_EXISTS') {
    // An earlier try had arrived, and only its answer was lost.
    await loadComments(todos, todo.id);
    return '';
  }
  return outcome(todos, todo, commentCreate);
}

/** Changes a comment as it was seen, or says why not. */
export async function editComment(
  todos: Todos,
  todo: Todo,
  { id, version }: Comment,
  typed: string,
): Promise<string> {
  const body = await stored(todos, todo, typed);
  const variables = { id, body, expectedVersion: version };
  const { commentUpdate } = await dataOf(server.mutation(EDIT_COMMENT, variables));
  return outcome(todos, todo, commentUpdate);
}

/** Deletes the words of a comment, or says why not. */
export async function deleteComment(todos: Todos, todo: Todo, { id }: Comment): Promise<string> {
  const { commentDelete } = await dataOf(server.mutation(DELETE_COMMENT, { id }));
  return outcome(todos, todo, commentDelete);
}

/** A text as it is stored; whom it can mention has to be known by then. */
async function stored(todos: Todos, { list }: Todo, typed: string): Promise<string> {
  if (list && !todos.memberships.value.has(list.id)) await loadMembers(todos, list.id);
  return withMentions(typed.trim(), peopleIn(todos, list?.id));
}

function outcome(todos: Todos, todo: Todo, payload: CommentResultFragment | null): string {
  const [problem] = payload?.errors ?? [];
  if (payload?.comment) takeComment(todos, todo.id, payload.comment);
  return problem?.message ?? '';
}

/** Both, the higher version of each winning, in the order in which they were written. */
function merged(known: readonly Comment[], more: readonly Comment[]): Comment[] {
  const all = new Map(known.map((comment) => [comment.id, comment]));
  for (const comment of more) {
    const before = all.get(comment.id);
    if (!before || before.version <= comment.version) all.set(comment.id, comment);
  }
  return [...all.values()].sort(byTime);
}

function byTime(one: Comment, other: Comment): number {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}

function set(todos: Todos, todoId: string, comments: Comments): void {
  todos.comments.value = new Map(todos.comments.value).set(todoId, comments);
}
