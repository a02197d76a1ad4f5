// One todo, with what can be done with it.
import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { type Conflict, complete, remove, rename, reopen } from './edits';
import type { Todo } from './operations';
import type { Todos } from './todos';

interface TodoRowProps {
  todos: Todos;
  todo: Todo;
  isSelected: boolean;
  onSelect: (isSelected: boolean) => void;
}

export function TodoRow({ todos, todo, isSelected, onSelect }: TodoRowProps) {
  // The todo as it was when renaming it began, by which the server tells whether it still is.
  const seen = useSignal<Todo | null>(null);
  const { id, title } = todo;
  const isCompleted = todo.status === 'COMPLETED';
  const conflict = todos.conflicts.value.find(({ stored }) => stored.id === id);

  function close(newTitle: string) {
    const old = seen.value;
    if (old && newTitle && newTitle !== old.title) todos.edit(rename(old, newTitle));
    seen.value = null;
  }

  return (
    <li class={isCompleted ? 'completed' : ''}>
      <input
        type="checkbox"
        aria-label={`Select ${title}`}
        checked={isSelected}
        onChange={({ currentTarget }) => onSelect(currentTarget.checked)}
      />
      {seen.value ? (
        <RenameForm title={title} onClose={close} />
      ) : (
        <>
          <span class="title">{title}</span>
          <span class="actions">
            <button
              aria-label={`${isCompleted ? 'Reopen' : 'Complete'} ${title}`}
              onClick={() => todos.edit(isCompleted ? reopen(todo) : complete(todo))}
            >
              {isCompleted ? 'Reopen' : 'Complete'}
            </button>
            <button aria-label={`Rename ${title}`} onClick={() => (seen.value = todo)}>
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
          </span>
        </>
      )}
      {todos.unsaved.value.has(id) && <span class="unsaved">Not saved yet</span>}
      <div role="alert">{conflict && <ConflictNote todos={todos} conflict={conflict} />}</div>
    </li>
  );
}

/** Who works by keyboard goes on beside what is gone in a moment. */
function focusBeside(button: HTMLElement): void {
  const row = button.closest('li');
  const beside = row?.nextElementSibling ?? row?.previousElementSibling;
  const next = beside?.querySelector('input') ?? document.querySelector('input');
  next?.focus();
}

interface RenameFormProps {
  title: string;
  /** Called with the new title, which is empty if there is none. */
  onClose: (title: string) => void;
}

function RenameForm({ title, onClose }: RenameFormProps) {
  const input = useRef<HTMLInputElement>(null);
  // Before anybody can type on: an ordinary effect comes only after the next paint.
  useLayoutEffect(() => {
    const row = input.current?.closest('li');
    input.current?.select();
    return () => row?.querySelector('input')?.focus();
  }, []);

  function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    onClose(input.current?.value.trim() ?? '');
  }

  return (
    <form
      class="rename"
      onSubmit={submit}
      onKeyDown={({ key }) => {
        if (key === 'Escape') onClose('');
      }}
    >
      <input ref={input} aria-label={`New title for ${title}`} defaultValue={title} required />
      <button class="main">Save</button>
      <button type="button" onClick={() => onClose('')}>
        Cancel
      </button>
    </form>
  );
}

/** Asks whose title it is to be. */
function ConflictNote({ todos, conflict }: { todos: Todos; conflict: Conflict }) {
  const { title, stored } = conflict;

  function settle() {
    todos.conflicts.value = todos.conflicts.value.filter((other) => other !== conflict);
  }

  return (
    <p class="note">
      This was renamed to “{stored.title}” elsewhere, before “{title}” was saved.
      <span class="actions">
        <button
          onClick={() => {
            settle();
            todos.edit(rename(stored, title));
          }}
        >
          Use “{title}”
        </button>
        <button onClick={settle}>Keep “{stored.title}”</button>
      </span>
    </p>
  );
}
