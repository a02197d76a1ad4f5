// The fields of how a todo repeats, the rule in plain words, and the dates that it comes to.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Labelled, Problems } from './field';
import type { Todo } from './operations';
import { messageOf } from './retrying';
import {
  clampedDay,
  isComplete,
  MONTH_END,
  partsOf,
  type Repeat,
  recurrenceOf,
  WEEKDAYS,
  type Weekday,
} from './rules';
import { ordinal, wordsOf } from './rule-words';
import { previewOf, type Schedule } from './schedule';
import { type When, wordsFor } from './times';

const KINDS: readonly [Repeat['kind'], string][] = [
  ['NEVER', 'Never'],
  ['DAILY', 'Every day'],
  ['WEEKDAYS', 'Every weekday'],
  ['WEEKLY', 'Every week'],
  ['MONTHLY', 'Every month'],
  ['YEARLY', 'Every year'],
  ['RULE', 'By a rule'],
];
const UNITS = { DAILY: 'days', WEEKLY: 'weeks', MONTHLY: 'months', YEARLY: 'years' } as const;
/** How long to wait for more typing before the dates are asked for, in milliseconds. */
const CALM = 300;

interface RepeatFieldsProps {
  id: string;
  todo: Todo;
  schedule: Schedule;
  viewerZone: string;
  isTouched: boolean;
  problems: readonly { readonly message: string }[];
  onChange: (repeat: Repeat) => void;
}

export function RepeatFields(props: RepeatFieldsProps) {
  const { id, schedule, isTouched, problems, onChange } = props;
  const { repeat, zone } = schedule;
  const preview = usePreview(schedule, isTouched);
  const recurrence = recurrenceOf(repeat);
  const words = recurrence ? wordsOf(recurrence.rule, repeat.mode, zone) : '';
  const refused =
    problems.length > 0 || !preview.problem ? problems : [{ message: preview.problem }];
  const described = {
    'aria-invalid': refused.length > 0,
    'aria-describedby': `rule-${id}-problem rule-${id}-words`,
  };
  const set = (fields: Partial<Repeat>) => onChange({ ...repeat, ...fields });

  return (
    <div class="fields" role="group" aria-label="Repeat">
      <Labelled label="Repeats">
        <select
          {...(repeat.kind !== 'RULE' && described)}
          value={repeat.kind}
          onChange={({ currentTarget: { value } }) =>
            onChange(chosen(repeat, value as Repeat['kind']))
          }
        >
          {KINDS.map(([kind, label]) => (
            <option key={kind} value={kind}>
              {label}
            </option>
          ))}
        </select>
      </Labelled>
      {repeat.kind === 'RULE' && (
        <Labelled label="Rule (RRULE)">
          <input
            {...described}
            class="rule"
            value={repeat.rule}
            required
            autocomplete="off"
            spellcheck={false}
            onInput={({ currentTarget: { value } }) => set({ rule: value })}
          />
        </Labelled>
      )}
      {repeat.kind in UNITS && <IntervalFields repeat={repeat} set={set} />}
      {repeat.kind !== 'NEVER' && (
        <>
          {repeat.kind !== 'WEEKDAYS' && <ModeSelect repeat={repeat} set={set} />}
          {repeat.kind !== 'RULE' && <EndFields repeat={repeat} set={set} />}
          {repeat.mode === 'SCHEDULE' && (
            <label class="check">
              <input
                type="checkbox"
                checked={repeat.catchesUp}
                onChange={({ currentTarget: { checked } }) => set({ catchesUp: checked })}
              />
              Missed ones come one by one
            </label>
          )}
        </>
      )}
      <Problems id={`rule-${id}-problem`} problems={refused} />
      {words && refused.length === 0 && (
        <p id={`rule-${id}-words`} class="words">
          {words}
        </p>
      )}
      {isTouched && recurrence && refused.length === 0 && (
        <Occurrences label="Due on" dates={preview.dates} zone={zone} />
      )}
    </div>
  );
}

/** What a choice begins with: a rule with what was chosen before, and what only some of them can do gone. */
function chosen(repeat: Repeat, kind: Repeat['kind']): Repeat {
  if (kind === 'RULE') return { ...repeat, kind, rule: recurrenceOf(repeat)?.rule ?? 'FREQ=DAILY' };
  const mode = kind === 'WEEKDAYS' ? 'SCHEDULE' : repeat.mode;
  return { ...repeat, kind, mode, on: '' };
}

/** The dates of what is typed, or what the server has against it. */
function usePreview(
  schedule: Schedule,
  isTouched: boolean,
): { dates: readonly When[]; problem: string } {
  const preview = useSignal<{ dates: readonly When[]; problem: string }>({
    dates: [],
    problem: '',
  });
  const { dueDay, dueTime, zone, repeat } = schedule;
  const canBeAsked = isComplete(repeat) && (dueTime === '' || dueDay !== '');
  const key = JSON.stringify([dueDay, dueTime, zone, recurrenceOf(repeat)]);
  useEffect(() => {
    preview.value = { dates: [], problem: '' };
    if (!isTouched || !canBeAsked) return;
    let isCurrent = true;
    const timer = setTimeout(async () => {
      const next = await previewOf(schedule).then(
        (dates) => ({ dates, problem: '' }),
        (error: unknown) => ({ dates: [], problem: messageOf(error) }),
      );
      if (isCurrent) preview.value = next;
    }, CALM);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [key, isTouched]);
  return preview.value;
}

interface OccurrencesProps {
  label: string;
  dates: readonly When[];
  zone: string;
}

/** Dates that come, each with its weekday. */
export function Occurrences({ label, dates, zone }: OccurrencesProps) {
  return (
    <div class="occurrences" aria-live="polite">
      {dates.length > 0 && (
        <>
          <span>{label}</span>
          <ul aria-label={label}>
            {dates.map((when) => (
              <li key={when.at ?? when.date}>{wordsFor(when, zone, { weekday: 'short' })}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

interface PartProps {
  repeat: Repeat;
  set: (fields: Partial<Repeat>) => void;
}

function IntervalFields({ repeat, set }: PartProps) {
  const { kind, interval, days, on, mode } = repeat;
  return (
    <>
      <Labelled label={`Every how many ${UNITS[kind as keyof typeof UNITS]}`}>
        <input
          type="number"
          {...{ min: 1, max: 999, required: true, value: interval }}
          onInput={({ currentTarget: { value } }) => set({ interval: value })}
        />
      </Labelled>
      {kind === 'WEEKLY' && mode === 'SCHEDULE' && <DayBoxes days={days} set={set} />}
      {kind === 'MONTHLY' && mode === 'SCHEDULE' && (
        <Labelled label="On">
          <select value={on} onChange={({ currentTarget: { value } }) => set({ on: value })}>
            <option value="">the day of the due date</option>
            <option value={MONTH_END}>the last day</option>
            {on !== '' && on !== MONTH_END && (
              <option value={on}>
                the {ordinal(clampedDay(partsOf(on)) ?? 31)}, or else the last day
              </option>
            )}
          </select>
        </Labelled>
      )}
    </>
  );
}

function DayBoxes({ days, set }: { days: readonly Weekday[]; set: PartProps['set'] }) {
  return (
    <fieldset>
      <legend>On</legend>
      {(Object.keys(WEEKDAYS) as Weekday[]).map((day, _, all) => (
        <label key={day} class="check">
          <input
            type="checkbox"
            aria-label={WEEKDAYS[day]}
            checked={days.includes(day)}
            onChange={({ currentTarget: { checked } }) =>
              set({ days: all.filter((other) => (other === day ? checked : days.includes(other))) })
            }
          />
          {WEEKDAYS[day].slice(0, 3)}
        </label>
      ))}
    </fieldset>
  );
}

function ModeSelect({ repeat: { mode }, set }: PartProps) {
  return (
    <Labelled label="Counted from">
      <select
        value={mode}
        onChange={({ currentTarget: { value } }) => set({ mode: value as Repeat['mode'] })}
      >
        <option value="SCHEDULE">the schedule</option>
        <option value="COMPLETION">completion</option>
      </select>
    </Labelled>
  );
}

function EndFields({ repeat: { end, until, count }, set }: PartProps) {
  return (
    <>
      <Labelled label="Ends">
        <select
          value={end}
          onChange={({ currentTarget: { value } }) => set({ end: value as Repeat['end'] })}
        >
          <option value="NEVER">never</option>
          <option value="ON">on a day</option>
          <option value="AFTER">after some times</option>
        </select>
      </Labelled>
      {end === 'ON' && (
        <Labelled label="Last day">
          <input
            type="date"
            {...{ required: true, value: until }}
            onInput={({ currentTarget: { value } }) => set({ until: value })}
          />
        </Labelled>
      )}
      {end === 'AFTER' && (
        <Labelled label="How many times">
          <input
            type="number"
            {...{ min: 1, max: 999, required: true, value: count }}
            onInput={({ currentTarget: { value } }) => set({ count: value })}
          />
        </Labelled>
      )}
    </>
  );
}
