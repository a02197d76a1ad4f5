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
  const period = number === 1 ? unit : `${number} ${unit}s`;
  if (mode === 'COMPLETION')
    return `${number} ${unit}${number === 1 ? '' : 's'} after completion${ending(parts, zone)}`;
  const isWeekdays = unit === 'week' && number === 1 && parts.get('BYDAY') === DAYS_FROM_MONDAY;
  const days = isWeekdays ? [] : [daysOf(parts), monthsOf(parts)].filter(Boolean);
  const every = isWeekdays ? 'Every weekday' : [`Every ${period}`, ...days].join(' ');
  return `${every}${weekStart(parts)}${ending(parts, zone)}`;
}

function daysOf(parts: Parts): string {
  const clamped = clampedDay(parts);
  if (clamped) return `on the ${ordinal(clamped)}, or else the last day of the month`;
  const positions = listOf(parts, 'BYSETPOS').map((position) => ordinal(Number(position)));
  const monthDays = listOf(parts, 'BYMONTHDAY').map(
    (day) => `${ordinal(Number(day))}${isLast(day) ? ' day' : ''}`,
  );
  const weekdays = listOf(parts, 'BYDAY').map(weekdayWords);
  const article = (words: string) =>
    /^\d|^last|^first|^second/.test(words) ? `the ${words}` : words;
  if (positions.length > 0) {
    const chosen = [...monthDays, ...weekdays];
    return `on the ${and(positions)} of ${and(chosen.map(article))}`;
  }
  if (monthDays.length > 0) {
    const on = `on the ${and(monthDays)}`;
    return weekdays.length > 0 ? `${on}, if that is ${or(weekdays.map((day) => `a ${day}`))}` : on;
  }
  return weekdays.length > 0 ? `on ${and(weekdays.map(article))}` : '';
}

function isLast(day: string): boolean {
  return day.startsWith('-');
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
