// The time that it is: what is due gets late, snoozes end and days begin while the page is open.
import { effect, signal } from '@preact/signals';
import { startOfDay } from './times';
import type { Todos } from './todos';

/** The present moment in milliseconds, renewed when something depends on it. */
export const now = signal(Date.now());

/** Timers can't be set for longer, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** Shows anew what is late at its moment, and loads again when a snooze ends or a day begins. */
export function keepTime(todos: Todos, leaving: AbortSignal): void {
  const stop = effect(() => {
    const present = now.value;
    const snoozes: string[] = [];
    const dues: string[] = [];
    for (const { snoozedUntil, dueAt, startAt } of todos.told.value.values()) {
      if (snoozedUntil) snoozes.push(snoozedUntil);
      for (const moment of [dueAt, startAt]) if (moment) dues.push(moment);
    }
    // No change tells of these.
    const reload = earliest([...snoozes, startOfDay(todos.zone.value, 1)], present);
    const next = Math.min(reload, earliest(dues, present));
    const timer = setTimeout(
      () => {
        if (Date.now() >= reload) todos.refresh();
        now.value = Date.now();
      },
      Math.min(next - Date.now() + 1, LONGEST),
    );
    return () => clearTimeout(timer);
  });
  leaving.addEventListener('abort', stop);
}

/** The earliest of moments that lie ahead, in milliseconds. */
function earliest(moments: readonly string[], present: number): number {
  return Math.min(...moments.map(Date.parse).filter((moment) => moment > present));
}
