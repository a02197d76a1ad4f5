// What comes after this occurrence of a repeating todo, and what was completed of it.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { dataOf } from './answers';
import type { LoadSeriesQuery } from './__generated__/graphql';
import type { Todo } from './operations';
import { Occurrences } from './repeat-fields';
import { skip, undoOccurrence } from './repeating';
import { messageOf } from './retrying';
import { dueOf } from './schedule';
import { SERIES } from './schedule-operations';
import { server } from './server';
import type { Todos } from './todos';
import { wordsFor } from './times';

type Loaded = NonNullable<NonNullable<LoadSeriesQuery['todo']>['recurrence']>;

export function Series({ todos, todo }: { todos: Todos; todo: Todo }) {
  const loaded = useSignal<Loaded | null>(null);
  const failure = useSignal('');
  const { id, title, version } = todo;
  const zone = todos.zone.value;
  useEffect(() => {
    let isCurrent = true;
    dataOf(server.query(SERIES, { id })).then(
      (answer) => {
        if (isCurrent) loaded.value = answer.todo?.recurrence ?? null;
      },
      (error: unknown) => (failure.value = messageOf(error)),
    );
    return () => (isCurrent = false);
  }, [id, version]);
  const { next = [], past } = loaded.value ?? {};
  const [newest, ...older] = past?.nodes ?? [];

  return (
    <div class="series">
      <p class="buttons">
        <button
          aria-label={`Skip this one of ${title}`}
          onClick={() => todos.edit(skip(todo, zone))}
        >
          Skip this one
        </button>
      </p>
      <Occurrences label="Then" dates={next} zone={todo.recurrence?.timeZone ?? zone} />
      <p role="alert" class="problem">
        {failure.value}
      </p>
      {newest && (
        <div class="occurrences">
          <span>Completed</span>
          <ul aria-label="Completed">
            <li>
              {wordsFor(dueOf(newest), zone, { weekday: 'short' })}{' '}
              <button
                class="link"
                aria-label={`Undo the last completion of ${title}`}
                onClick={({ currentTarget }) => {
                  // This button may go, and has the focus.
                  currentTarget.closest('.series')?.querySelector('button')?.focus();
                  todos.edit(undoOccurrence(newest));
                }}
              >
                Undo
              </button>
            </li>
            {older.map((copy) => (
              <li key={copy.id}>{wordsFor(dueOf(copy), zone, { weekday: 'short' })}</li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
