// Rules of repetition: the choices that a form offers, and the RRULE that they come to.
import type { RecurrenceInput, RecurrenceMode } from './__generated__/graphql';
import type { Todo } from './operations';
import { wallClock } from './times';

export const WEEKDAYS = {
  MO: 'Monday',
  TU: 'Tuesday',
  WE: 'Wednesday',
  TH: 'Thursday',
  FR: 'Friday',
  SA: 'Saturday',
  SU: 'Sunday',
} as const;

export type Weekday = keyof typeof WEEKDAYS;
export type Frequency = 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';
export type Recurrence = NonNullable<Todo['recurrence']>;

/** What a form says of a repetition. */
export interface Repeat {
  /** RULE is what no other choice can say. */
  readonly kind: 'NEVER' | 'WEEKDAYS' | Frequency | 'RULE';
  readonly interval: string;
  /** Of a week; none is the weekday of the due date. */
  readonly days: readonly Weekday[];
  /** The parts that name the day of a month or a year; empty is the day of the due date. */
  readonly on: string;
  readonly mode: RecurrenceMode;
  readonly catchesUp: boolean;
  readonly end: 'NEVER' | 'ON' | 'AFTER';
  readonly until: string;
  readonly count: string;
  /** As it is stored or typed. */
  readonly rule: string;
}

const FROM_MONDAY_TO_FRIDAY = 'MO,TU,WE,TH,FR';

const NEVER: Repeat = {
  kind: 'NEVER',
  interval: '1',
  days: [],
  on: '',
  mode: 'SCHEDULE',
  catchesUp: false,
  end: 'NEVER',
  until: '',
  count: '10',
  rule: '',
};

/** The parts of a rule by their names. */
export function partsOf(rule: string): ReadonlyMap<string, string> {
  const parts = rule.toUpperCase().split(';').filter(Boolean);
  return new Map(parts.map((part) => part.split('=', 2) as [string, string]));
}

/** What a form shows of a recurrence. */
export function repeatOf(recurrence: Recurrence | null): Repeat {
  if (!recurrence) return NEVER;
  const { rule, mode, timeZone, catchesUp } = recurrence;
  const parts = partsOf(rule);
  const until = parts.get('UNTIL');
  const count = parts.get('COUNT');
  const byDay = parts.get('BYDAY') ?? '';
  return {
    kind: kindOf(parts),
    mode,
    catchesUp,
    rule,
    interval: parts.get('INTERVAL') ?? '1',
    days: byDay.split(',').filter((day): day is Weekday => day in WEEKDAYS),
    on: onOf(parts),
    end: until ? 'ON' : count ? 'AFTER' : 'NEVER',
    until: until ? lastDay(until, timeZone) : '',
    count: count ?? NEVER.count,
  };
}

/** The last day of each month. */
export const MONTH_END = 'BYMONTHDAY=-1';
/** What the server stores of the 29th to 31st, and of 29 February: the month's last day stands in. */
const CLAMPED = /^BYMONTHDAY=28,29(,30(,31)?)?;BYSETPOS=-1$/;
const LEAP_DAY = 'BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1';
const SIMPLE = new Set(['FREQ', 'INTERVAL', 'COUNT', 'UNTIL']);

function kindOf(parts: ReadonlyMap<string, string>): Repeat['kind'] {
  const frequency = parts.get('FREQ') as Frequency;
  const on = onOf(parts);
  if (on === '') return frequency;
  const days = (parts.get('BYDAY') ?? '').split(',');
  if (frequency === 'WEEKLY' && on === `BYDAY=${days.filter((day) => day in WEEKDAYS).join()}`) {
    const isWeekdays = days.join() === FROM_MONDAY_TO_FRIDAY && !parts.has('INTERVAL');
    return isWeekdays ? 'WEEKDAYS' : 'WEEKLY';
  }
  if (frequency === 'MONTHLY' && (on === MONTH_END || CLAMPED.test(on))) return 'MONTHLY';
  return frequency === 'YEARLY' && on === LEAP_DAY ? 'YEARLY' : 'RULE';
}

/** The parts of a rule that name days. */
function onOf(parts: ReadonlyMap<string, string>): string {
  return [...parts]
    .filter(([name]) => !SIMPLE.has(name))
    .map((part) => part.join('='))
    .join(';');
}

/** Whether every field has something, so that the server can say what comes of it. */
export function isComplete({ kind, interval, end, until, count, rule }: Repeat): boolean {
  if (kind === 'RULE') return rule.trim() !== '';
  if (kind === 'NEVER' || interval === '') return false;
  return end === 'NEVER' || (end === 'ON' ? until : count) !== '';
}

/** The day of a month for which its last one stands in where it is shorter, as the server stores it. */
export function clampedDay(parts: ReadonlyMap<string, string>): number | undefined {
  const days = (parts.get('BYMONTHDAY') ?? '').split(',').map(Number);
  const isRun = days.length > 1 && days.every((day, index) => day === 28 + index);
  return isRun && parts.get('BYSETPOS') === '-1' ? days.at(-1) : undefined;
}

/** The last day of a rule: UNTIL is a date, or a moment in UTC if the todo has a time. */
export function lastDay(until: string, zone: string): string {
  const [year, month, day] = [until.slice(0, 4), until.slice(4, 6), until.slice(6, 8)];
  if (until.length < 15) return `${year}-${month}-${day}`;
  const time = `${until.slice(9, 11)}:${until.slice(11, 13)}:${until.slice(13, 15)}`;
  return wallClock(`${year}-${month}-${day}T${time}Z`, zone).day;
}

/** What the server is to store; null if the todo doesn't repeat. */
export function recurrenceOf(repeat: Repeat): RecurrenceInput | null {
  const { kind, mode, catchesUp } = repeat;
  if (kind === 'NEVER') return null;
  const isSchedule = mode === 'SCHEDULE';
  return { rule: ruleOf(repeat), mode, catchesUp: isSchedule && catchesUp };
}

function ruleOf({ kind, interval, days, on, mode, end, until, count, rule }: Repeat): string {
  if (kind === 'RULE') return rule.trim();
  const isSchedule = mode === 'SCHEDULE';
  const parts = [`FREQ=${kind === 'WEEKDAYS' ? 'WEEKLY' : kind}`];
  if (kind === 'WEEKDAYS') parts.push(`BYDAY=${FROM_MONDAY_TO_FRIDAY}`);
  else if (interval !== '1') parts.push(`INTERVAL=${interval}`);
  if (kind === 'WEEKLY' && isSchedule && days.length > 0) parts.push(`BYDAY=${days.join()}`);
  if ((kind === 'MONTHLY' || kind === 'YEARLY') && isSchedule && on) parts.push(on);
  if (end === 'ON') parts.push(`UNTIL=${until.replaceAll('-', '')}`);
  if (end === 'AFTER') parts.push(`COUNT=${count}`);
  return parts.join(';');
}
