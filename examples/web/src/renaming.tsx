// Gives a todo another title, and settles whose it is to be if two were given.
import type { TargetedSubmitEvent } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { type Conflict, rename } from './edits';
import type { Todos } from './todos';

interface RenameFormProps {
  title: string;
  /** Called with the new title, which is empty if there is none. */
  onClose: (title: string) => void;
}

export function RenameForm({ title, onClose }: RenameFormProps) {
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
export function ConflictNote({ todos, conflict }: { todos: Todos; conflict: Conflict }) {
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
