// Moves todos: with what is said of it, the new parent's subtasks in sight, and the focus staying.
import type { TodoPlaceInput } from './__generated__/graphql';
import { keepFocus } from './focus';
import { loadSubtasks } from './loading';
import { announcementOf, move, stepTo, type Way } from './moves';
import type { Todo } from './operations';
import { messageOf } from './retrying';
import { listNamed, shownOf } from './shown';
import type { Todos } from './todos';
import { view } from './view';

/** Moves a todo, which is shown at once; below a parent, its other subtasks are shown, too. */
export function moveTo(todos: Todos, todo: Todo, to: TodoPlaceInput): void {
  if (to.parentId) showSubtasks(todos, to.parentId);
  todos.edit(move(todo, to, doneOf(todos, todo, to)));
}

export function showSubtasks(todos: Todos, id: string): void {
  if (todos.expanded.value.has(id)) return;
  todos.expand(id);
  loadSubtasks(todos, id).catch((error) => todos.refuse(messageOf(error)));
}

/** What to say of a move once it is done. */
function doneOf(todos: Todos, { title, list }: Todo, to: TodoPlaceInput): string {
  const parent = todos.all.value.get(to.parentId ?? '');
  if (parent) return `“${title}” is a subtask of “${parent.title}”.`;
  if (to.listId === undefined || to.listId === (list?.id ?? null)) return `“${title}” is moved.`;
  const name = to.listId ? listNamed(todos, to.listId)?.name : 'Inbox';
  return `“${title}” is in ${name} now.`;
}

const NOWHERE: Record<Way, string> = {
  up: 'is first already',
  down: 'is last already',
  in: 'has no todo above it to be a subtask of',
  out: 'is no subtask',
};

/** Moves a todo by a step, as is done by keyboard. */
export function step(todos: Todos, todo: Todo, way: Way): void {
  const to = stepTo(shownOf(todos, view.value), todo, way);
  if (!to) {
    todos.announcement.value = `${todo.title} ${NOWHERE[way]}`;
    return;
  }
  keepFocus(todo.id);
  moveTo(todos, todo, to);
  todos.announcement.value = announcementOf(shownOf(todos, view.value), todo.id);
}
