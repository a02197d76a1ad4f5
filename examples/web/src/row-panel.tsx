// What is done less often with a todo: moving it without a mouse, dates, snoozing, a subtask.
import type { TodoPlaceInput } from './__generated__/graphql';
import { AssignSelect } from './assign-select';
import { CommentsPanel } from './comments-panel';
import { add } from './edits';
import { FilesPanel } from './files-panel';
import { focusBeside } from './focus';
import { InlineForm } from './inline-form';
import type { Way } from './moves';
import { moveTo, showSubtasks, step } from './moving';
import type { Todo } from './operations';
import { has, whyNot } from './roles';
import { ScheduleForm } from './schedule-form';
import { Series } from './series';
import { listNamed } from './shown';
import { SnoozeFields } from './snooze-fields';
import type { Todos } from './todos';

const WAYS: readonly [Way, string, string][] = [
  ['up', 'Move up', 'Alt+ArrowUp'],
  ['down', 'Move down', 'Alt+ArrowDown'],
  ['in', 'Indent', 'Alt+ArrowRight'],
  ['out', 'Outdent', 'Alt+ArrowLeft'],
];

interface RowPanelProps {
  todos: Todos;
  todo: Todo;
  isOrdered: boolean;
}

export function RowPanel({ todos, todo, isOrdered }: RowPanelProps) {
  const { id, title, status } = todo;
  const isOpen = status === 'PENDING' || status === 'IN_PROGRESS';
  const list = todo.list ? listNamed(todos, todo.list.id) : undefined;
  const isWritable = !list || has(list, 'EDITOR');

  function addSubtask(text: string) {
    showSubtasks(todos, id);
    todos.edit(add(text, { parentId: id, place: { last: true } }));
  }

  return (
    <div class="panel" role="group" aria-label={`More for ${title}`}>
      {isOrdered &&
        isWritable &&
        WAYS.map(([way, label, keys]) => (
          <button
            key={way}
            data-control={way}
            aria-label={`${label} ${title}`}
            aria-keyshortcuts={keys}
            title={keys.replace('Arrow', '')}
            onClick={() => step(todos, todo, way)}
          >
            {label}
          </button>
        ))}
      {list && !isWritable && <p class="hint">{whyNot(list)}</p>}
      {isWritable && <MoveSelect todos={todos} todo={todo} />}
      {isWritable && list && (list.isShared || todo.assignee) && (
        <AssignSelect todos={todos} todo={todo} listId={list.id} />
      )}
      {isOrdered && isWritable && (
        <InlineForm label={`Add subtask to ${title}`} short="Add subtask" onSubmit={addSubtask} />
      )}
      <FilesPanel todos={todos} todo={todo} />
      <CommentsPanel todos={todos} todo={todo} />
      {isOpen && <SnoozeFields todos={todos} todo={todo} />}
      {isWritable && <ScheduleForm todos={todos} todo={todo} />}
      {isWritable && todo.recurrence && <Series todos={todos} todo={todo} />}
    </div>
  );
}

/** Moves a todo to another list. */
function MoveSelect({ todos, todo }: { todos: Todos; todo: Todo }) {
  const here = todo.list?.id ?? '';
  const lists = (todos.overview.value?.lists ?? []).filter(
    (list) => !list.archivedAt && has(list, 'EDITOR'),
  );

  function moveToList(select: HTMLSelectElement) {
    const to: TodoPlaceInput = {
      listId: select.value || null,
      sectionId: null,
      parentId: null,
      place: { first: true },
    };
    focusBeside(select);
    moveTo(todos, todo, to);
  }

  return (
    <label>
      List
      <select
        aria-label={`List of ${todo.title}`}
        value={here}
        onChange={({ currentTarget }) => moveToList(currentTarget)}
      >
        <option value="">Inbox</option>
        {lists.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
