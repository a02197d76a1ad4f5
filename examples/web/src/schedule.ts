// When a todo is due, when it starts and how it repeats: what a form has, and what is sent of it.
import { dataOf } from './answers';
import type { TodoUpdateInput } from './__generated__/graphql';
import { currentOf } from './edits';
import { type Problem, type Todo, UPDATE } from './operations';
import { type Repeat, recurrenceOf, repeatOf } from './rules';
import { PREVIEW } from './schedule-operations';
import { server } from './server';
import { momentOf, wallClock, type When } from './times';

/** What the fields of the form have; empty where nothing is set. */
export interface Schedule {
  readonly dueDay: string;
  readonly dueTime: string;
  /** The zone of the times. */
  readonly zone: string;
  readonly startDay: string;
  readonly startTime: string;
  readonly repeat: Repeat;
}

export function dueOf({ dueDate, dueAt }: Pick<Todo, 'dueDate' | 'dueAt'>): When {
  return { date: dueDate, at: dueAt };
}

/** The schedule of a todo, whose times are those of its zone, or else of the viewer's. */
export function scheduleOf(todo: Todo, viewerZone: string): Schedule {
  const zone = todo.dueAt ? (todo.dueTimeZone ?? 'UTC') : viewerZone;
  const due = fieldsOf({ date: todo.dueDate, at: todo.dueAt }, zone);
  const start = fieldsOf({ date: todo.startDate, at: todo.startAt }, zone);
  return {
    dueDay: due.day,
    dueTime: due.time,
    zone,
    startDay: start.day,
    startTime: start.time,
    repeat: repeatOf(todo.recurrence),
  };
}

function fieldsOf({ date, at }: When, zone: string): { day: string; time: string } {
  return at ? wallClock(at, zone) : { day: date ?? '', time: '' };
}

/** What to change: only what differs, so that what others change meanwhile stays. */
export function changesOf(before: Schedule, after: Schedule): TodoUpdateInput {
  const { dueDay, dueTime, zone, startDay, startTime, repeat } = after;
  const hasZone = dueTime !== '' && zone !== before.zone;
  const input: TodoUpdateInput = {};
  if (dueDay !== before.dueDay || dueTime !== before.dueTime || hasZone) {
    if (dueTime)
      Object.assign(input, { dueAt: momentOf(dueDay, dueTime, zone), dueTimeZone: zone });
    else if (dueDay) input.dueDate = dueDay;
    else Object.assign(input, { dueAt: null, dueDate: null });
  }
  const isStartMoved = startTime !== '' && zone !== before.zone;
  if (startDay !== before.startDay || startTime !== before.startTime || isStartMoved) {
    if (startTime) input.startAt = momentOf(startDay, startTime, zone);
    else if (startDay) input.startDate = startDay;
    else Object.assign(input, { startAt: null, startDate: null });
  }
  const recurrence = recurrenceOf(repeat);
  const isOther = JSON.stringify(recurrence) !== JSON.stringify(recurrenceOf(before.repeat));
  if (isOther || (recurrence && hasZone)) {
    input.recurrence = recurrence && (dueTime ? { ...recurrence, timeZone: zone } : recurrence);
  }
  return input;
}

/** The first due dates of a schedule that isn't stored; throws Error with the server's words. */
export async function previewOf({
  dueDay,
  dueTime,
  zone,
  repeat,
}: Schedule): Promise<readonly When[]> {
  const input = recurrenceOf(repeat);
  if (!input) return [];
  const due = dueTime ? { dueAt: momentOf(dueDay, dueTime, zone) } : { dueDate: dueDay || null };
  const sent = dueTime ? { ...input, timeZone: zone } : input;
  const { recurrencePreview } = await dataOf(server.query(PREVIEW, { input: sent, ...due }));
  return recurrencePreview;
}

/** What became of a schedule that was saved. */
export interface Saved {
  readonly todo: Todo | null;
  readonly problems: readonly Pick<Problem, 'message' | 'path'>[];
  readonly undoCursor: string | null;
}

/** Stores a schedule; throws as dataOf does. */
export async function saveSchedule(
  seen: Todo,
  input: TodoUpdateInput,
  viewerZone: string,
): Promise<Saved> {
  const expectedVersion = seen.version;
  const { todoUpdate } = await dataOf(
    server.mutation(UPDATE, { id: seen.id, input, expectedVersion }),
  );
  const stored = currentOf(todoUpdate, 'CONFLICT');
  if (!stored) {
    const { todo = null, errors = [], undoCursor = null } = todoUpdate ?? {};
    return { todo, problems: errors, undoCursor };
  }
  const [before, now] = [seen, stored].map((todo) => JSON.stringify(scheduleOf(todo, viewerZone)));
  // Something else of it was changed, which its dates leave alone.
  if (before === now) return saveSchedule(stored, input, viewerZone);
  const message = 'Its dates were changed elsewhere meanwhile: look at them, and save again.';
  return { todo: stored, problems: [{ message, path: [] }], undoCursor: null };
}
