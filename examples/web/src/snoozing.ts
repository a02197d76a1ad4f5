// Puts todos off, for oneself alone: it is no change of the todo, so no event tells of it.
import { dataOf } from './answers';
import { now } from './clock';
import { answer, type Edit } from './edits';
import type { Todo } from './operations';
import { SNOOZE } from './schedule-operations';
import { server } from './server';
import { wallClock, wordsFor } from './times';

/** Whether a snooze isn't over. */
export function isAhead(until: string | null): boolean {
  return until !== null && Date.parse(until) > now.value;
}

/** When a snooze ends: a day is its first moment. */
export function endWords(
  until: string,
  zone: string,
  options: Intl.DateTimeFormatOptions = {},
): string {
  const { day, time } = wallClock(until, zone);
  const when = time === '00:00' ? { date: day, at: null } : { date: null, at: until };
  return wordsFor(when, zone, options);
}

/** Puts a todo off until a moment; null shows it again. */
export function snooze(todo: Todo, until: string | null, zone: string): Edit {
  const { id, title, snoozedUntil } = todo;
  const words = until && endWords(until, zone, { weekday: 'short' });
  return {
    ids: [id],
    change: (changed) => changed && { ...changed, snoozedUntil: until },
    async send() {
      const { todoSnooze } = await dataOf(server.mutation(SNOOZE, { id, until }));
      const result = answer(todoSnooze, `“${title}” was not snoozed.`);
      if (result.refusal) return result;
      const done = until ? `“${title}” is snoozed until ${words}.` : `“${title}” is shown again.`;
      const undo = snooze({ ...todo, snoozedUntil: until }, snoozedUntil, zone);
      return { ...result, done, undo, isUnlogged: true };
    },
  };
}
