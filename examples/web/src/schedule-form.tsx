// The form of a todo's dates and its repetition. It is no queued edit: it says at its fields what the
// server has against it, and shows the dates of a rule before that is saved.
import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { undo } from './edits';
import { Labelled, Problems } from './field';
import type { Todo } from './operations';
import { RepeatFields } from './repeat-fields';
import { messageOf, until } from './retrying';
import { changesOf, saveSchedule, type Saved, type Schedule, scheduleOf } from './schedule';
import type { Todos } from './todos';
import { zones } from './times';

type FormProblem = Saved['problems'][number];

export function ScheduleForm({ todos, todo }: { todos: Todos; todo: Todo }) {
  // The todo as it was when its dates were first touched, and what the fields have since.
  const touched = useSignal<{ seen: Todo; schedule: Schedule } | null>(null);
  const problems = useSignal<readonly FormProblem[]>([]);
  const isBusy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const viewerZone = todos.zone.value;
  const schedule = touched.value?.schedule ?? scheduleOf(todo, viewerZone);
  const { dueDay, dueTime, startDay, startTime, zone } = schedule;
  const { id, title } = todo;

  // A screen reader then reads the field's problem.
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [problems.value]);

  function change(fields: Partial<Schedule>) {
    const seen = touched.value?.seen ?? todo;
    touched.value = { seen, schedule: { ...schedule, ...fields } };
    problems.value = [];
  }

  function reset() {
    touched.value = null;
    problems.value = [];
    // The buttons go, and one of them has the focus.
    form.current?.querySelector('input')?.focus();
  }

  async function save(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!touched.value || isBusy.value) return;
    const { seen } = touched.value;
    isBusy.value = true;
    problems.value = await saved(todos, seen, changesOf(scheduleOf(seen, viewerZone), schedule));
    isBusy.value = false;
    if (problems.value.length === 0) reset();
  }

  const at = (...names: string[]) =>
    problems.value.filter(({ path }) => names.includes(path?.[1] ?? ''));
  const elsewhere = problems.value.filter(({ path }) => !FIELDS.includes(path?.[1] ?? ''));
  const hasTime = dueTime !== '' || startTime !== '';
  return (
    <form ref={form} class="schedule" aria-label={`Dates of ${title}`} onSubmit={save}>
      <DayAndTime
        {...{ id: `due-${id}`, label: 'Due', day: dueDay, time: dueTime }}
        problems={at('dueDate', 'dueAt')}
        onChange={(day, time) => change({ dueDay: day, dueTime: time })}
      />
      <DayAndTime
        {...{ id: `start-${id}`, label: 'Start', day: startDay, time: startTime }}
        problems={at('startDate', 'startAt')}
        onChange={(day, time) => change({ startDay: day, startTime: time })}
      />
      {hasTime && (
        <ZoneSelect
          {...{ id, zone, viewerZone, problems: at('dueTimeZone') }}
          // The server stores a zone with what is due at a time.
          isFixed={dueTime === ''}
          onChange={(name) => change({ zone: name })}
        />
      )}
      <RepeatFields
        {...{ id, todo, schedule, viewerZone }}
        isTouched={touched.value !== null}
        problems={at('recurrence')}
        onChange={(repeat) => change({ repeat })}
      />
      <Problems id={`dates-${id}`} problems={elsewhere} />
      {touched.value && (
        <p class="buttons">
          <button class="main" aria-disabled={isBusy.value}>
            Save dates
          </button>
          <button type="button" onClick={reset}>
            Cancel
          </button>
        </p>
      )}
    </form>
  );
}

const FIELDS = ['dueDate', 'dueAt', 'startDate', 'startAt', 'dueTimeZone', 'recurrence'];

/** What the server has against a schedule, and else its todo, with an undo of it. */
async function saved(
  todos: Todos,
  seen: Todo,
  input: ReturnType<typeof changesOf>,
): Promise<readonly FormProblem[]> {
  if (Object.keys(input).length === 0) return [];
  try {
    // A todo that is just being created has to be there first.
    await until(() => !todos.unsaved.value.has(seen.id));
    const { todo, problems, undoCursor } = await saveSchedule(seen, input, todos.zone.value);
    if (todo) todos.take([todo]);
    if (undoCursor) {
      const message = `The dates of “${seen.title}” are saved.`;
      todos.undoable.value = { message, undo: () => todos.edit(undo(undoCursor)) };
    }
    return problems;
  } catch (error) {
    return [{ message: messageOf(error), path: [] }];
  }
}

interface DayAndTimeProps {
  id: string;
  label: string;
  day: string;
  time: string;
  problems: readonly FormProblem[];
  onChange: (day: string, time: string) => void;
}

function DayAndTime({ id, label, day, time, problems, onChange }: DayAndTimeProps) {
  const described = {
    'aria-invalid': problems.length > 0,
    'aria-describedby': `${id}-problem`,
  };
  return (
    <div class="fields" role="group" aria-label={label}>
      <Labelled label={`${label} day`}>
        <input
          type="date"
          {...described}
          value={day}
          required={time !== ''}
          min="0001-01-01"
          max="9999-12-31"
          onInput={({ currentTarget: { value } }) => onChange(value, time)}
        />
      </Labelled>
      <Labelled label={`${label} time`}>
        <input
          type="time"
          {...described}
          value={time}
          onInput={({ currentTarget: { value } }) => onChange(day, value)}
        />
      </Labelled>
      <Problems id={`${id}-problem`} problems={problems} />
    </div>
  );
}

interface ZoneSelectProps {
  id: string;
  zone: string;
  viewerZone: string;
  isFixed: boolean;
  problems: readonly FormProblem[];
  onChange: (zone: string) => void;
}

function ZoneSelect({ id, zone, viewerZone, isFixed, problems, onChange }: ZoneSelectProps) {
  if (isFixed) return <p class="detail">Times are those of {zone}.</p>;
  return (
    <div class="fields">
      <Labelled label="Time zone">
        <select
          aria-invalid={problems.length > 0}
          aria-describedby={`zone-${id}-problem`}
          value={zone}
          onChange={({ currentTarget: { value } }) => onChange(value)}
        >
          {zones(zone, viewerZone).map((name) => (
            <option key={name} value={name}>
              {name.replaceAll('_', ' ')}
            </option>
          ))}
        </select>
      </Labelled>
      <Problems id={`zone-${id}-problem`} problems={problems} />
    </div>
  );
}
