// One todo with its subtasks, and what can be done with it.
import { useSignal } from '@preact/signals';
import { type Hint, useDraggableRow } from './dragging';
import { complete, remove, rename, reopen } from './edits';
import { focusBeside } from './focus';
import type { Way } from './moves';
import { showSubtasks, step } from './moving';
import type { Todo } from './operations';
import { Dates } from './dates';
import { ConflictNote, RenameForm } from './renaming';
import { completeOccurrence } from './repeating';
import { mayWrite } from './roles';
import { RowPanel } from './row-panel';
import { listNamed, type Shown } from './shown';
import type { Todos } from './todos';
import { addressOf, view } from './view';

const KEYS: Record<string, Way> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowRight: 'in',
  ArrowLeft: 'out',
};

export interface TodoRowProps {
  todos: Todos;
  shown: Shown;
  todo: Todo;
  selected: ReadonlySet<string>;
  onSelect: (id: string, isSelected: boolean) => void;
  /** Whether it stands in a list, in an order of its own, rather than among what a filter found. */
  isOrdered: boolean;
}

export function TodoRow(props: TodoRowProps) {
  const { todos, shown, todo, selected, onSelect, isOrdered } = props;
  // The todo as it was when renaming it began, by which the server tells whether it still is.
  const seen = useSignal<Todo | null>(null);
  const { ref, hint } = useDraggableRow(todos, todo);
  const { id, title } = todo;
  const isWritable = mayWrite(todos, todo);
  const children = shown.children.get(id) ?? [];
  const isExpanded = isOrdered && todos.expanded.value.has(id);
  const conflict = todos.conflicts.value.find(({ stored }) => stored.id === id);

  function close(newTitle: string) {
    const old = seen.value;
    if (old && newTitle && newTitle !== old.title) todos.edit(rename(old, newTitle));
    seen.value = null;
  }

  return (
    <li id={`todo-${id}`} class={todo.status.toLowerCase()}>
      <div
        ref={ref}
        class={`row ${isWritable ? '' : 'readonly'} ${hint satisfies Hint}`}
        onKeyDown={(event) => {
          const way = KEYS[event.key];
          const isTyping = isText(event.target);
          if (!way || !event.altKey || isTyping || !isOrdered || !isWritable) return;
          event.preventDefault();
          step(todos, todo, way);
        }}
      >
        {isWritable && (
          <input
            type="checkbox"
            data-control="select"
            aria-label={`Select ${title}`}
            checked={selected.has(id)}
            onChange={({ currentTarget }) => onSelect(id, currentTarget.checked)}
          />
        )}
        {seen.value && isWritable ? (
          <RenameForm title={title} onClose={close} />
        ) : (
          <>
            <span class="text">
              {isOrdered && (todo.progress.total > 0 || children.length > 0) && (
                <ExpandButton todos={todos} todo={todo} />
              )}
              <span class="title">{title}</span>
              <Details todos={todos} todo={todo} isOrdered={isOrdered} />
            </span>
            <Actions todos={todos} todo={todo} onRename={() => (seen.value = todo)} />
          </>
        )}
        {todos.unsaved.value.has(id) && <span class="unsaved">Not saved yet</span>}
        {todos.opened.value === id && <RowPanel todos={todos} todo={todo} isOrdered={isOrdered} />}
        <div role="alert">{conflict && <ConflictNote todos={todos} conflict={conflict} />}</div>
      </div>
      {isExpanded && children.length > 0 && (
        <ul aria-label={`Subtasks of ${title}`}>
          {children.map((child) => (
            <TodoRow key={child.id} {...props} todo={child} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** Where arrows move the cursor. */
function isText(target: EventTarget | null): boolean {
  if (target instanceof HTMLTextAreaElement) return true;
  return target instanceof HTMLInputElement && target.type === 'text';
}

function ExpandButton({ todos, todo: { id, title } }: { todos: Todos; todo: Todo }) {
  const isExpanded = todos.expanded.value.has(id);
  return (
    <button
      class="expand"
      data-control="expand"
      aria-expanded={isExpanded}
      aria-label={`Subtasks of ${title}`}
      onClick={() => (isExpanded ? todos.expand(id, false) : showSubtasks(todos, id))}
    >
      <span aria-hidden="true">▸</span>
    </button>
  );
}

/** How much of it is done, its dates, and where it is if that isn't plain. */
function Details({ todos, todo, isOrdered }: Pick<TodoRowProps, 'todos' | 'todo' | 'isOrdered'>) {
  const { progress, status, assignee } = todo;
  const isOpen = status === 'PENDING' || status === 'IN_PROGRESS';
  const list = todo.list && listNamed(todos, todo.list.id);
  const isAlone = view.value.kind === 'todo';
  return (
    <>
      {progress.total > 0 && (
        <span class="detail progress">
          {progress.completed} of {progress.total}
          <span class="hidden"> subtasks done</span>
        </span>
      )}
      {assignee && (
        <span class="badge assignee">
          <span class="hidden">Assigned to </span>
          {assignee.id === todos.viewerId.value ? 'you' : assignee.username}
        </span>
      )}
      {status === 'CANCELLED' && <span class="detail">cancelled</span>}
      <Dates todo={todo} isOpen={isOpen} zone={todos.zone.value} />
      {!isOrdered && list && (
        <a class="detail" href={addressOf({ kind: 'list', id: list.id })}>
          {list.name}
        </a>
      )}
      {isAlone && !todo.list && (
        <a class="detail" href={addressOf({ kind: 'inbox' })}>
          Inbox
        </a>
      )}
    </>
  );
}

interface ActionsProps {
  todos: Todos;
  todo: Todo;
  onRename: () => void;
}

function Actions({ todos, todo, onRename }: ActionsProps) {
  const { id, title } = todo;
  const isDone = todo.status === 'COMPLETED' || todo.status === 'CANCELLED';
  const isOpened = todos.opened.value === id;
  const completion = () =>
    todo.recurrence ? completeOccurrence(todo, todos.zone.value) : complete(todo);
  return (
    <span class="actions">
      {mayWrite(todos, todo) && (
        <>
          <button
            data-control="complete"
            aria-label={`${isDone ? 'Reopen' : 'Complete'} ${title}`}
            onClick={() => todos.edit(isDone ? reopen(todo) : completion())}
          >
            {isDone ? 'Reopen' : 'Complete'}
          </button>
          <button data-control="rename" aria-label={`Rename ${title}`} onClick={onRename}>
            Rename
          </button>
          <button
            aria-label={`Delete ${title}`}
            onClick={({ currentTarget }) => {
              focusBeside(currentTarget);
              todos.edit(remove(todo));
            }}
          >
            Delete
          </button>
        </>
      )}
      <button
        data-control="more"
        aria-label={`More for ${title}`}
        aria-expanded={isOpened}
        onClick={() => (todos.opened.value = isOpened ? null : id)}
      >
        More
      </button>
    </span>
  );
}
