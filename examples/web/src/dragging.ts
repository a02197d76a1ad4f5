// Dragging todos: onto another one's edge to stand there, onto its middle to be its subtask, onto a
// section, or onto a list in the sidebar. What is done by keyboard is in row-panel.tsx.
import { combine } from '@atlaskit/pragmatic-drag-and-drop/combine';
import {
  draggable,
  dropTargetForElements,
  monitorForElements,
} from '@atlaskit/pragmatic-drag-and-drop/adapter/element-adapter';
import {
  attachInstruction,
  extractInstruction,
} from '@atlaskit/pragmatic-drag-and-drop-hitbox/list-item';
import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { TodoPlaceInput } from './__generated__/graphql';
import { sameParent } from './moves';
import { moveTo } from './moving';
import type { Todo } from './operations';
import { mayWrite } from './roles';
import { isBelow } from './shown';
import type { Todos } from './todos';
import { listOf, view } from './view';

/** How an element looks while something is above it that can be dropped there. */
export type Hint = '' | 'over' | 'before' | 'after' | 'inside';

const HINTS = { 'reorder-before': 'before', 'reorder-after': 'after', combine: 'inside' } as const;
const AVAILABLE = {
  'reorder-before': 'available',
  'reorder-after': 'available',
  combine: 'available',
} as const;

/** Makes a row something to drag, and to drop others on where todos have an order of their own. */
export function useDraggableRow(
  todos: Todos,
  todo: Todo,
): { ref: RefObject<HTMLDivElement | null>; hint: Hint } {
  const ref = useRef<HTMLDivElement>(null);
  const hint = useSignal<Hint>('');
  const { id } = todo;
  const isWritable = mayWrite(todos, todo);
  useEffect(() => {
    const element = ref.current;
    if (!element || !isWritable) return undefined;
    return combine(
      draggable({
        element,
        // Text in a field is selected by dragging, too.
        canDrag: () => !element.querySelector('form'),
        getInitialData: () => ({ dragged: id }),
      }),
      dropTargetForElements({
        element,
        getData: ({ input }) =>
          attachInstruction({ row: id }, { element, input, operations: AVAILABLE }),
        canDrop: ({ source }) => {
          const row = todos.all.value.get(id);
          const dragged = String(source.data['dragged']);
          return (
            listOf(view.value) !== undefined &&
            row !== undefined &&
            !isBelow(todos, row, dragged)
          );
        },
        onDrag: ({ self }) => {
          const instruction = extractInstruction(self.data);
          hint.value = instruction ? HINTS[instruction.operation] : '';
        },
        onDragLeave: () => (hint.value = ''),
        onDrop: () => (hint.value = ''),
      }),
    );
  }, [todos, id, isWritable]);
  return { ref, hint: hint.value };
}

/** Makes an element something to drop todos on: a section, or a list of the sidebar. */
export function useDropTarget<Target extends HTMLElement>(
  to: TodoPlaceInput,
  isWritable = true,
): { ref: RefObject<Target | null>; hint: Hint } {
  const ref = useRef<Target>(null);
  const hint = useSignal<Hint>('');
  const key = JSON.stringify(to);
  useEffect(() => {
    if (!ref.current) return undefined;
    return dropTargetForElements({
      element: ref.current,
      canDrop: () => isWritable,
      getData: () => ({ to: key }),
      onDragEnter: () => (hint.value = 'over'),
      onDragLeave: () => (hint.value = ''),
      onDrop: () => (hint.value = ''),
    });
  }, [key, isWritable]);
  return { ref, hint: hint.value };
}

/** Moves what is dropped. */
export function useDrops(todos: Todos): void {
  useEffect(
    () =>
      monitorForElements({
        onDrop({ source, location }) {
          const dragged = todos.all.value.get(String(source.data['dragged']));
          const to = location.current.dropTargets.map(({ data }) => placeOf(todos, data))[0];
          if (dragged && to) moveTo(todos, dragged, to);
        },
      }),
    [todos],
  );
}

function placeOf(todos: Todos, data: Record<string | symbol, unknown>): TodoPlaceInput | undefined {
  if (typeof data['to'] === 'string') return JSON.parse(data['to']) as TodoPlaceInput;
  const row = todos.all.value.get(String(data['row']));
  const operation = extractInstruction(data)?.operation;
  if (!row || !operation) return undefined;
  if (operation === 'combine') return { parentId: row.id, place: { last: true } };
  const place = operation === 'reorder-before' ? { before: row.id } : { after: row.id };
  return { ...sameParent(row), place };
}
