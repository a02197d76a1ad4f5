// Rules of repetition in plain words.
import type { RecurrenceMode } from './__generated__/graphql';
import { clampedDay, lastDay, partsOf, WEEKDAYS, type Weekday } from './rules';
import { dayWords } from './times';

type Parts = ReadonlyMap<string, string>;

const UNITS: Record<string, string> = {
  DAILY: 'day',
  WEEKLY: 'week',
  MONTHLY: 'month',
  YEARLY: 'year',
};
const BYDAY = /^([+-]?\d+)?(MO|TU|WE|TH|FR|SA|SU)$/;
const DAYS_FROM_MONDAY = 'MO,TU,WE,TH,FR';

/** A rule in plain words; empty for what is no rule. */
export function wordsOf(rule: string, mode: RecurrenceMode, zone: string): string {
  const parts = partsOf(rule);
  const unit = UNITS[parts.get('FREQ') ?? ''];
  if (!unit) return '';
  const number = Number(parts.get('INTERVAL') ?? 1);
  const units = number === 1 ? unit : `${number} ${unit}s`;
  if (mode === 'COMPLETION') {
    return `${number === 1 ? `1 ${unit}` : units} after completion${ending(parts, zone)}`;
  }
  const isEveryWeekday = unit === 'week' && number === 1 && isWeekdays(parts);
  const when = isEveryWeekday ? [] : [monthsOf(parts), daysOf(parts, unit)].filter(Boolean);
  const every = isEveryWeekday ? 'Every weekday' : [`Every ${units}`, ...when].join(' ');
  return `${every}${weekStart(parts)}${ending(parts, zone)}`;
}

function isWeekdays(parts: Parts): boolean {
  return parts.get('BYDAY') === DAYS_FROM_MONDAY;
}

function daysOf(parts: Parts, unit: string): string {
  const clamped = clampedDay(parts);
  if (clamped) return `on the ${ordinal(clamped)}, or else the last day of the month`;
  const positions = listOf(parts, 'BYSETPOS').map((position) => ordinal(Number(position)));
  const monthDays = listOf(parts, 'BYMONTHDAY').map((day) =>
    day.startsWith('-') ? `the ${ordinal(Number(day))} day` : `the ${ordinal(Number(day))}`,
  );
  const weekdays = isWeekdays(parts) ? ['weekday'] : listOf(parts, 'BYDAY').map(weekdayWords);
  // A day is among those that are named, or it isn't.
  if (unit === 'day') {
    const named = [...monthDays, ...weekdays.map((day) => `a ${day}`)];
    return named.length > 0 ? `that is ${or(named)}` : '';
  }
  if (positions.length > 0) {
    if (weekdays.length === 0) return `on the ${and(positions)} of ${and(monthDays)}`;
    const only = monthDays.length > 0 ? ` that is ${or(monthDays)}` : '';
    return `on the ${and(positions)} ${or(weekdays)}${only}`;
  }
  if (monthDays.length > 0) {
    const on = `on ${and(monthDays)}`;
    return weekdays.length > 0 ? `${on}, if that is ${or(weekdays.map((day) => `a ${day}`))}` : on;
  }
  const each = unit === 'week' ? '' : 'each ';
  const named = weekdays.map((day) =>
    /^[\da-z]+ (last )?[A-Z]/.test(day) ? `the ${day}` : each + day,
  );
  if (unit === 'week' && isWeekdays(parts)) return 'on weekdays';
  return named.length > 0 ? `on ${and(named)}` : '';
}

function monthsOf(parts: Parts): string {
  const months = listOf(parts, 'BYMONTH').map((month) =>
    new Date(Date.UTC(2000, Number(month) - 1)).toLocaleDateString('en-GB', {
      month: 'long',
      timeZone: 'UTC',
    }),
  );
  return months.length > 0 ? `in ${and(months)}` : '';
}

function weekStart(parts: Parts): string {
  const first = parts.get('WKST') as Weekday | undefined;
  return first && first !== 'MO' ? `, weeks from ${WEEKDAYS[first]}` : '';
}

function ending(parts: Parts, zone: string): string {
  const until = parts.get('UNTIL');
  if (until && /^\d{8}/.test(until)) {
    return `, until ${dayWords(lastDay(until, zone), zone, { year: 'numeric' })}`;
  }
  const count = parts.get('COUNT');
  if (count === '1') return ', once';
  return count ? `, ${count} times` : '';
}

function weekdayWords(text: string): string {
  const [, position, day] = BYDAY.exec(text) ?? [];
  const name = WEEKDAYS[day as Weekday] ?? text;
  return position ? `${ordinal(Number(position))} ${name}` : name;
}

/** Such as 31st, last, and 2nd last. */
export function ordinal(number: number): string {
  if (number === -1) return 'last';
  if (number < 0) return `${ordinal(-number)} last`;
  const suffix = { one: 'st', two: 'nd', few: 'rd', other: 'th' } as Record<string, string>;
  const rule = new Intl.PluralRules('en', { type: 'ordinal' }).select(number);
  return `${number}${suffix[rule]}`;
}

function listOf(parts: Parts, name: string): string[] {
  return parts.get(name)?.split(',') ?? [];
}

function and(words: readonly string[]): string {
  return new Intl.ListFormat('en-GB').format(words);
}

function or(words: readonly string[]): string {
  return new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(words);
}
