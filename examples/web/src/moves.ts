// Moves of todos: by dragging, by keyboard, and how the page looks until the server has answered.
import { generateKeyBetween } from 'fractional-indexing';
import type { TodoPlaceInput } from './__generated__/graphql';
import { dataOf } from './answers';
import { answer, type Edit } from './edits';
import { MOVE, type Todo } from './operations';
import { server } from './server';
import { type Shown, siblingsOf } from './shown';
import type { TodoMap } from './todos';

export type Way = 'up' | 'down' | 'in' | 'out';

/** Puts a todo elsewhere; `done` says so once it is. */
export function move({ id, title }: Todo, to: TodoPlaceInput, done: string): Edit {
  return {
    ids: [id],
    change: (todo, all) => todo && placed(todo, to, all),
    done,
    async send() {
      const { todoMove } = await dataOf(server.mutation(MOVE, { id, to }));
      return answer(todoMove, `“${title}” was not moved.`);
    },
  };
}

/** A todo as it looks in another place; the server makes the position that is stored. */
export function placed(todo: Todo, to: TodoPlaceInput, all: TodoMap): Todo {
  const parent = to.parentId === undefined ? todo.parent : reference(to.parentId);
  const above = parent && all.get(parent.id);
  const list = above ? above.list : to.listId === undefined ? todo.list : reference(to.listId);
  const section = above ? above.section : reference(to.sectionId);
  const listId = list?.id ?? null;
  return { ...todo, parent, list, section, position: positionAt(all, todo.id, listId, to) };
}

function reference(id: string | null | undefined): { id: string } | null {
  return id ? { id } : null;
}

/** A key between the neighbours among the todos of a list that are known here. */
function positionAt(
  all: TodoMap,
  id: string,
  listId: string | null,
  { place }: TodoPlaceInput,
): string {
  const positions = [...all.values()]
    .filter((todo) => todo.id !== id && (todo.list?.id ?? null) === listId)
    .map(({ position }) => position)
    .sort((one, other) => (one < other ? -1 : 1));
  const anchor = all.get(place?.after ?? place?.before ?? '')?.position;
  const at = anchor === undefined ? -1 : positions.indexOf(anchor);
  const next = place?.first ? 0 : place?.before ? at : place?.after ? at + 1 : positions.length;
  return generateKeyBetween(positions[next - 1] ?? null, positions[next] ?? null);
}

/** Where a step by keyboard leads to; nothing, if it leads nowhere. */
export function stepTo(shown: Shown, todo: Todo, way: Way): TodoPlaceInput | undefined {
  const siblings = siblingsOf(shown, todo);
  const index = siblings.findIndex(({ id }) => id === todo.id);
  const before = siblings[index - 1];
  const after = siblings[index + 1];
  const here = sameParent(todo);
  switch (way) {
    case 'up':
      return before ? { ...here, place: { before: before.id } } : intoSection(shown, todo, -1);
    case 'down':
      return after ? { ...here, place: { after: after.id } } : intoSection(shown, todo, 1);
    case 'in':
      return before && { parentId: before.id, place: { last: true } };
    case 'out': {
      const parent = shown.rows.find(({ id }) => id === todo.parent?.id);
      return parent && { ...sameParent(parent), place: { after: parent.id } };
    }
  }
}

/** The list, section and parent that a todo is in already. */
export function sameParent(todo: Todo): TodoPlaceInput {
  if (todo.parent) return { parentId: todo.parent.id };
  return { listId: todo.list?.id ?? null, sectionId: todo.section?.id ?? null, parentId: null };
}

function intoSection(shown: Shown, todo: Todo, step: 1 | -1): TodoPlaceInput | undefined {
  if (todo.parent) return undefined;
  const at = shown.groups.findIndex(({ section }) => section?.id === todo.section?.id);
  const group = shown.groups[at + step];
  if (!group) return undefined;
  const here = { ...sameParent(todo), sectionId: group.section?.id ?? null };
  return { ...here, place: step > 0 ? { first: true } : { last: true } };
}

/** Says where a todo stands after a move. */
export function announcementOf(shown: Shown, id: string): string {
  const todo = shown.rows.find((row) => row.id === id);
  if (!todo) return '';
  const siblings = siblingsOf(shown, todo);
  const number = siblings.findIndex((sibling) => sibling.id === id) + 1;
  const parent = shown.rows.find((row) => row.id === todo.parent?.id);
  const group = shown.groups.find(({ todos }) => todos.includes(todo));
  const where = parent
    ? ` below ${parent.title}`
    : group?.section
      ? ` in ${group.section.name}`
      : '';
  return `${todo.title}: ${number} of ${siblings.length}${where}`;
}
