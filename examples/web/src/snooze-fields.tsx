// Puts a todo off until tomorrow, next week or another time, or shows it again.
import type { TargetedMouseEvent, TargetedSubmitEvent } from 'preact';
import { now } from './clock';
import { Labelled } from './field';
import { focusBeside } from './focus';
import type { Todo } from './operations';
import { isAhead, snooze } from './snoozing';
import { daysToMonday, momentOf, startOfDay, wallClock } from './times';
import type { Todos } from './todos';
import { view } from './view';

/** Where the row goes out of sight, the focus goes to the next one. */
function leaving(act: () => void) {
  return ({ currentTarget }: TargetedMouseEvent<HTMLButtonElement>) => {
    if (view.value.kind === 'days') focusBeside(currentTarget);
    act();
  };
}

export function SnoozeFields({ todos, todo }: { todos: Todos; todo: Todo }) {
  const zone = todos.zone.value;
  const { title } = todo;
  const present = wallClock(new Date(now.value).toISOString(), zone);

  function until(moment: string | null) {
    todos.edit(snooze(todo, moment, zone));
  }

  function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const [day = '', time = ''] = String(new FormData(event.currentTarget).get('until')).split('T');
    until(momentOf(day, time, zone));
    event.currentTarget.reset();
  }

  return (
    <div class="snooze" role="group" aria-label={`Snooze ${title}`}>
      <button onClick={leaving(() => until(startOfDay(zone, 1)))}>Snooze until tomorrow</button>
      <button onClick={leaving(() => until(startOfDay(zone, daysToMonday(zone))))}>
        Snooze until next week
      </button>
      {isAhead(todo.snoozedUntil) && (
        <button
          onClick={({ currentTarget }) => {
            // This button goes, and has the focus.
            currentTarget.parentElement?.querySelector('button')?.focus();
            until(null);
          }}
        >
          Show again
        </button>
      )}
      <form class="fields" onSubmit={submit}>
        <Labelled label="Snooze until">
          <input
            type="datetime-local"
            name="until"
            min={`${present.day}T${present.time}`}
            required
          />
        </Labelled>
        <button>Snooze</button>
      </form>
    </div>
  );
}
