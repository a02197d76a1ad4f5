// What the page says: what was refused, what can be undone, and what it knows of the server.
import { isLive } from './server';
import type { Todos } from './todos';

export function Refusals({ todos }: { todos: Todos }) {
  return (
    <div role="alert">
      {todos.refusals.value.map((refusal) => (
        <p key={refusal} class="note">
          {refusal}{' '}
          <button class="link" onClick={() => todos.refuse(refusal, true)}>
            Dismiss
          </button>
        </p>
      ))}
    </div>
  );
}

/** Offers to undo what was done last, without a time limit: until something else is, or it is closed. */
export function Snackbar({ todos }: { todos: Todos }) {
  const { value: undoable } = todos.undoable;

  function close() {
    todos.undoable.value = null;
    document.getElementById('content')?.focus();
  }

  return (
    <div class="snackbar" role="status">
      {undoable && (
        <p>
          {undoable.message}
          <button
            class="link"
            onClick={() => {
              undoable.undo();
              close();
            }}
          >
            Undo
          </button>
          <button class="link" aria-label="Close" onClick={close}>
            ✕
          </button>
        </p>
      )}
    </div>
  );
}

/** What a screen reader says of moves. */
export function Announcer({ todos }: { todos: Todos }) {
  return (
    <p class="hidden" role="status" aria-label="Moves">
      {todos.announcement.value}
    </p>
  );
}

/** What the page knows of the server, and what the server doesn't know yet of the page. */
export function State({ todos }: { todos: Todos }) {
  const trouble = todos.sendingTrouble.value || (!isLive.value && todos.followingTrouble.value);
  const number = todos.unsaved.value.size;
  const unsaved = number > 0 ? `Not saved yet: ${count(number)}.` : '';
  const calm = isLive.value ? 'Live: what changes elsewhere shows up here.' : 'Connecting…';
  return (
    <footer class={trouble ? 'trouble' : ''}>
      <p role="status">{trouble ? `${trouble} This page keeps trying. ${unsaved}` : calm}</p>
    </footer>
  );
}

export function count(todos: number): string {
  return todos === 1 ? 'one todo' : `${todos} todos`;
}
