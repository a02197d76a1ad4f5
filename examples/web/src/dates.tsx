// When a todo starts and is due, until when it is snoozed, and how it repeats, as its row says it.
import { now } from './clock';
import type { Todo } from './operations';
import { endWords, isAhead } from './snoozing';
import { wordsOf } from './rule-words';
import { dueOf } from './schedule';
import { cityOf, isPast, wallClock, type When, wordsFor } from './times';

interface DatesProps {
  todo: Todo;
  isOpen: boolean;
  /** The viewer's: what is due is told by their clock. */
  zone: string;
}

export function Dates({ todo, isOpen, zone }: DatesProps) {
  const { recurrence } = todo;
  const due = dueOf(todo);
  const start: When = { date: todo.startDate, at: todo.startAt };
  const isToStart = isOpen && (start.date ?? start.at) !== null && !isPast(start, zone, now.value);
  const isLate = isOpen && isPast(due, zone, now.value);
  return (
    <>
      {isToStart && (
        <span class="detail">
          from <Time when={start} zone={zone} />
        </span>
      )}
      {(due.date ?? due.at) && (
        <span class={`detail due ${isLate ? 'late' : ''}`}>
          <span class="hidden">{isLate ? 'overdue since ' : 'due '}</span>
          <Time when={due} zone={zone} />
          {due.at && <Elsewhere at={due.at} zone={todo.dueTimeZone} viewerZone={zone} />}
        </span>
      )}
      {isOpen && todo.snoozedUntil && isAhead(todo.snoozedUntil) && (
        <span class="badge">
          Snoozed until{' '}
          <time dateTime={todo.snoozedUntil}>{endWords(todo.snoozedUntil, zone)}</time>
        </span>
      )}
      {recurrence && (
        <span class="badge">
          <span aria-hidden="true">↻ </span>
          <span class="hidden">Repeats: </span>
          {wordsOf(recurrence.rule, recurrence.mode, recurrence.timeZone)}
        </span>
      )}
    </>
  );
}

function Time({ when, zone }: { when: When; zone: string }) {
  return <time dateTime={when.at ?? when.date ?? ''}>{wordsFor(when, zone)}</time>;
}

interface ElsewhereProps {
  at: string;
  zone: string | null;
  viewerZone: string;
}

/** What the clock shows in the todo's own zone, if that is another time. */
function Elsewhere({ at, zone, viewerZone }: ElsewhereProps) {
  const here = wallClock(at, viewerZone);
  const there = wallClock(at, zone ?? 'UTC');
  if (here.day === there.day && here.time === there.time) return null;
  const isSameDay = here.day === there.day;
  return (
    <>
      {' '}
      ({isSameDay ? there.time : wordsFor({ date: null, at }, zone ?? 'UTC')} in{' '}
      {cityOf(zone ?? 'UTC')})
    </>
  );
}
