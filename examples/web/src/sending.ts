// Sends edits, one after the other, each until the server has acknowledged or refused it.
import { batch } from '@preact/signals';
import { SignedOut } from './answers';
import { type Answer, type Edit, undo } from './edits';
import { delayAfter, messageOf, pause, TryAgainLater, until } from './retrying';
import type { Todos } from './todos';

/** Sends what is edited from now on, and what waits, until the signal aborts. */
export async function sendEdits(todos: Todos, signal: AbortSignal): Promise<void> {
  for (let failures = 0; ;) {
    await until(() => todos.edits.value.length > 0);
    const [edit] = todos.edits.value;
    if (signal.aborted) return;
    if (!edit) continue;
    try {
      settle(todos, edit, await edit.send());
      failures = 0;
    } catch (error) {
      if (error instanceof SignedOut) return;
      if (error instanceof TryAgainLater) {
        todos.sendingTrouble.value = error.message;
        await pause(delayAfter(error, failures++), signal);
      } else {
        settle(todos, edit, { todos: [], refusal: messageOf(error) });
      }
    }
  }
}

/** Puts what is stored in the place of an edit, both at once, so that nothing flickers. */
function settle(todos: Todos, edit: Edit, answer: Answer): void {
  const { todos: stored, refusal, conflict, undoCursor, done = edit.done } = answer;
  const undoing = answer.undo ?? (undoCursor ? undo(undoCursor) : undefined);
  batch(() => {
    todos.take(stored);
    todos.edits.value = todos.edits.value.filter((other) => other !== edit);
    todos.sendingTrouble.value = '';
    if (answer.isUnlogged) todos.refresh();
    if (refusal) todos.refuse(refusal);
    if (conflict) todos.ask(conflict);
    if (done && undoing) {
      todos.undoable.value = { message: done, undo: () => todos.edit(undoing) };
    }
  });
}
