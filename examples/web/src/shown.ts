// What is to be seen of a view: its sections, the todos in them, and their subtasks.
import type { List, Section } from './list-operations';
import type { Todo } from './operations';
import type { Todos } from './todos';
import { isSame, listOf, type View } from './view';

/** Todos under one heading; without a section, those above the first heading. */
export interface Group {
  readonly section: Section | null;
  readonly todos: readonly Todo[];
}

export interface Shown {
  readonly groups: readonly Group[];
  readonly children: ReadonlyMap<string, readonly Todo[]>;
  /** All rows that can be seen, from top to bottom. */
  readonly rows: readonly Todo[];
}

/** A list, be it archived. */
export function listNamed(todos: Todos, id: string): List | undefined {
  return todos.overview.value?.lists.find((list) => list.id === id);
}

/** Everything there is to see; pages that aren't loaded show up once they are. */
export function shownOf(todos: Todos, view: View): Shown {
  const listId = listOf(view);
  const all = todos.all.value;
  if (listId === undefined) {
    const ids = isLoaded(todos, view) ? (todos.loaded.value?.ids ?? []) : [];
    const found = ids.flatMap((id) => all.get(id) ?? []).filter(({ deletedAt }) => !deletedAt);
    return { groups: [{ section: null, todos: found }], children: new Map(), rows: found };
  }
  const present = [...all.values()].filter(({ deletedAt }) => !deletedAt);
  const children = new Map<string, Todo[]>();
  for (const todo of present.filter(({ parent }) => parent).sort(byPosition)) {
    const parent = todo.parent?.id ?? '';
    children.set(parent, [...(children.get(parent) ?? []), todo]);
  }
  const top = present
    .filter((todo) => !todo.parent && (todo.list?.id ?? null) === listId && isWithin(todos, todo))
    .sort(byPosition);
  const { overview } = todos;
  const sections = overview.value?.listId === listId ? overview.value.sections : [];
  const known = new Set(sections.map(({ id }) => id));
  const outside = top.filter(({ section }) => !section || !known.has(section.id));
  const groups: Group[] = [
    { section: null, todos: outside },
    ...sections.map((section) => ({
      section,
      todos: top.filter((todo) => todo.section?.id === section.id),
    })),
  ];
  const expanded = todos.expanded.value;
  const withSubtasks = (todo: Todo): Todo[] => [
    todo,
    ...(expanded.has(todo.id) ? (children.get(todo.id) ?? []).flatMap(withSubtasks) : []),
  ];
  return { groups, children, rows: groups.flatMap((group) => group.todos).flatMap(withSubtasks) };
}

export function isLoaded(todos: Todos, view: View): boolean {
  return todos.loaded.value !== null && isSame(todos.loaded.value.view, view);
}

/** The todos among which one stands: of the same parent, or of the same section. */
export function siblingsOf({ groups, children }: Shown, todo: Todo): readonly Todo[] {
  if (todo.parent) return children.get(todo.parent.id) ?? [];
  return groups.find((group) => group.todos.some(({ id }) => id === todo.id))?.todos ?? [];
}

/** Whether a todo is the other or one of its subtasks, however deep. */
export function isBelow(todos: Todos, todo: Todo, id: string): boolean {
  for (let above: Todo | undefined = todo; above;) {
    if (above.id === id) return true;
    above = above.parent ? todos.all.value.get(above.parent.id) : undefined;
  }
  return false;
}

/** Events tell of later todos, too, which show up once the list is loaded down to them. */
function isWithin(todos: Todos, { id, position }: Todo): boolean {
  const { last, next } = todos.loaded.value ?? { last: '', next: null };
  return next === null || position <= last || todos.edited.value.has(id);
}

export function byPosition(one: Todo, other: Todo): number {
  if (one.position !== other.position) return one.position < other.position ? -1 : 1;
  return one.id < other.id ? -1 : Number(one.id !== other.id);
}
