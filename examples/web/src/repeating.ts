// Steps of todos that repeat: completing an occurrence, skipping one, and taking a completion back.
import type { ChangedFragment } from './__generated__/graphql';
import { dataOf } from './answers';
import { type Answer, answer, currentOf, type Edit } from './edits';
import type { Todo } from './operations';
import { dueOf } from './schedule';
import { COMPLETE_OCCURRENCE, SKIP, UNDO_OCCURRENCE } from './schedule-operations';
import { server } from './server';
import { wordsFor } from './times';

/** Completes an occurrence: the todo goes on with the next one, and a completed copy of this one stays. */
export function completeOccurrence(seen: Todo, zone: string): Edit {
  const failure = `“${seen.title}” was not completed.`;
  return step(seen, failure, async (expectedVersion) => {
    const variables = { id: seen.id, expectedVersion };
    const { todoComplete } = await dataOf(server.mutation(COMPLETE_OCCURRENCE, variables));
    const copy = todoComplete?.completedOccurrence;
    const changed = answer(todoComplete, failure);
    if (!copy || !todoComplete?.todo)
      return [todoComplete, { ...changed, done: `“${seen.title}” is completed.` }];
    const done = `“${seen.title}” is completed, and ${nextOf(todoComplete.todo, zone)}.`;
    const undo = undoOccurrence(copy);
    return [todoComplete, { ...changed, todos: [...changed.todos, copy], done, undo }];
  });
}

/** Moves a todo to its next occurrence without completing this one. */
export function skip(seen: Todo, zone: string): Edit {
  const failure = `This occurrence of “${seen.title}” was not skipped.`;
  return step(seen, failure, async (expectedVersion) => {
    const { todoSkip } = await dataOf(server.mutation(SKIP, { id: seen.id, expectedVersion }));
    const changed = answer(todoSkip, failure);
    if (!todoSkip?.todo) return [todoSkip, changed];
    const done = `One occurrence of “${seen.title}” is skipped: it ${nextOf(todoSkip.todo, zone)}.`;
    return [todoSkip, { ...changed, done }];
  });
}

/** Takes back the completion that left a copy: the copy goes to the trash. */
export function undoOccurrence(copy: Todo): Edit {
  const { id, title } = copy;
  const deletedAt = new Date().toISOString();
  return {
    ids: [id],
    change: (todo) => todo && { ...todo, deletedAt },
    async send() {
      const { todoUndoOccurrence } = await dataOf(server.mutation(UNDO_OCCURRENCE, { id }));
      const failure = `The completion of “${title}” was not taken back.`;
      const { todos, refusal } = answer(todoUndoOccurrence, failure);
      return refusal ? { todos, refusal } : { todos: [...todos, { ...copy, deletedAt }] };
    },
  };
}

type Send = (expectedVersion: number) => Promise<[ChangedFragment | null, Answer]>;

/** An edit that is one step however often it is sent: only of the occurrence that was seen. */
function step(seen: Todo, failure: string, send: Send): Edit {
  async function attempt(expectedVersion: number): Promise<Answer> {
    const [payload, result] = await send(expectedVersion);
    const stored = currentOf(payload, 'CONFLICT');
    if (!stored) return result;
    const [before, now] = [seen, stored].map((todo) =>
      JSON.stringify([dueOf(todo), todo.recurrence, todo.status]),
    );
    // Something else of it was changed, which the step leaves alone.
    if (before === now) return attempt(stored.version);
    // An earlier try had arrived, or it was done elsewhere.
    if (stored.recurrence) return { todos: [stored] };
    return { todos: [stored], refusal: `${failure} It doesn’t repeat any longer.` };
  }
  return { ids: [seen.id], change: (todo) => todo, send: () => attempt(seen.version) };
}

function nextOf(todo: Todo, zone: string): string {
  return `is due again on ${wordsFor(dueOf(todo), zone, { weekday: 'short' })}`;
}
