// What is done with lists, sections and views. It isn't queued as edits of todos are: it is done at
// once, or the page says why not.
import type { OperationResult } from '@urql/core';
import type { ListUpdateInput, TodoFilter } from './__generated__/graphql';
import { dataOf } from './answers';
import {
  CREATE_LIST,
  CREATE_SECTION,
  CREATE_VIEW,
  DELETE_LIST,
  DELETE_SECTION,
  DELETE_VIEW,
  type List,
  RENAME_SECTION,
  RESTORE_LIST,
  type Section,
  UPDATE_LIST,
} from './list-operations';
import type { Problem } from './operations';
import { messageOf } from './retrying';
import { server } from './server';
import type { Todos } from './todos';
import { addressOf } from './view';

type Payloads = Record<string, { readonly errors: readonly Problem[] } | null>;

/** Whether a mutation worked; the page shows what it did, or why it didn't. */
export async function isDone(
  todos: Todos,
  failure: string,
  mutation: PromiseLike<OperationResult<Payloads>>,
): Promise<boolean> {
  try {
    const [payload] = Object.values(await dataOf(mutation));
    const [problem] = payload?.errors ?? [];
    if (!problem) {
      todos.refresh();
      return true;
    }
    todos.refuse(`${failure} ${problem.message}`);
  } catch (error) {
    todos.refuse(`${failure} ${messageOf(error)}`);
  }
  return false;
}

/** Creates a list and shows it. */
export async function createList(todos: Todos, name: string): Promise<void> {
  const id = crypto.randomUUID();
  const creation = server.mutation(CREATE_LIST, { id, name });
  if (await isDone(todos, `The list “${name}” was not created.`, creation)) {
    location.hash = addressOf({ kind: 'list', id });
  }
}

export async function updateList(todos: Todos, list: List, input: ListUpdateInput): Promise<void> {
  const update = server.mutation(UPDATE_LIST, { id: list.id, input });
  await isDone(todos, `“${list.name}” was not changed.`, update);
}

/** Deletes a list with its todos, and offers to restore them. */
export async function deleteList(todos: Todos, { id, name }: List): Promise<void> {
  const deletion = server.mutation(DELETE_LIST, { id });
  if (!(await isDone(todos, `“${name}” was not deleted.`, deletion))) return;
  const message = `The list “${name}” is deleted, with its todos.`;
  todos.undoable.value = { message, undo: () => void restoreList(todos, id, name) };
}

async function restoreList(todos: Todos, id: string, name: string): Promise<void> {
  if (await isDone(todos, `“${name}” was not restored.`, server.mutation(RESTORE_LIST, { id }))) {
    location.hash = addressOf({ kind: 'list', id });
  }
}

export async function createSection(todos: Todos, listId: string, name: string): Promise<void> {
  const creation = server.mutation(CREATE_SECTION, { listId, name });
  await isDone(todos, `The section “${name}” was not created.`, creation);
}

export async function renameSection(todos: Todos, section: Section, name: string): Promise<void> {
  const renaming = server.mutation(RENAME_SECTION, { id: section.id, name });
  await isDone(todos, `“${section.name}” was not renamed.`, renaming);
}

/** Deletes a section; its todos stay in the list. */
export async function deleteSection(todos: Todos, { id, name }: Section): Promise<void> {
  await isDone(todos, `“${name}” was not deleted.`, server.mutation(DELETE_SECTION, { id }));
}

/** Saves a filter under a name, and shows what it finds. */
export async function createView(todos: Todos, name: string, filter: TodoFilter): Promise<void> {
  const id = crypto.randomUUID();
  const creation = server.mutation(CREATE_VIEW, { id, name, filter });
  if (await isDone(todos, `The view “${name}” was not saved.`, creation)) {
    location.hash = addressOf({ kind: 'view', id });
  }
}

export async function deleteView(todos: Todos, id: string, name: string): Promise<void> {
  const deletion = server.mutation(DELETE_VIEW, { id });
  if (await isDone(todos, `The view “${name}” was not deleted.`, deletion)) {
    location.hash = addressOf({ kind: 'inbox' });
  }
}
