// Days and moments, as people of a time zone read and type them.
import { Temporal } from 'temporal-polyfill';

/** A day, or a moment in place of it, or neither. */
export interface When {
  readonly date: string | null;
  readonly at: string | null;
}

/** The zone of this browser. */
export const browserZone = Temporal.Now.timeZoneId();

/** All zones that a browser knows, and those of the page, should they be others. */
export function zones(...known: readonly string[]): readonly string[] {
  return [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone'), ...known])].sort();
}

/** The first moment of the day so many days from today. */
export function startOfDay(zone: string, days: number): string {
  const day = Temporal.Now.plainDateISO(zone).add({ days });
  return day.toZonedDateTime(zone).toInstant().toString();
}

/** How many days it is until the next Monday. */
export function daysToMonday(zone: string): number {
  return 8 - Temporal.Now.plainDateISO(zone).dayOfWeek;
}

export function today(zone: string): string {
  return Temporal.Now.plainDateISO(zone).toString();
}

/** Whether a day or a moment lies behind: a day does once it is over in the viewer's zone. */
export function isPast({ date, at }: When, zone: string, now: number): boolean {
  if (at) return Date.parse(at) < now;
  return date !== null && date < today(zone);
}

/** A moment as fields of days and times have it. */
export function wallClock(at: string, zone: string): { day: string; time: string } {
  const local = Temporal.Instant.from(at).toZonedDateTimeISO(zone);
  return { day: local.toPlainDate().toString(), time: local.toPlainTime().toString().slice(0, 5) };
}

/** The moment of a wall clock: as on the server, the first of two, and later in a gap. */
export function momentOf(day: string, time: string, zone: string): string {
  return Temporal.PlainDateTime.from(`${day}T${time}`).toZonedDateTime(zone).toInstant().toString();
}

/** A day as people write it: with the weekday on request, with the year if it is another one. */
export function dayWords(
  day: string,
  zone: string,
  options: Intl.DateTimeFormatOptions = {},
): string {
  const isThisYear = day.slice(0, 4) === today(zone).slice(0, 4);
  const year = isThisYear ? {} : ({ year: 'numeric' } as const);
  const format = { day: 'numeric', month: 'short', timeZone: 'UTC', ...year, ...options } as const;
  return new Date(`${day}T00:00Z`).toLocaleDateString('en-GB', format);
}

/** A day, or a moment by the wall clock of a zone. */
export function wordsFor(
  { date, at }: When,
  zone: string,
  options: Intl.DateTimeFormatOptions = {},
): string {
  if (!at) return date ? dayWords(date, zone, options) : '';
  const { day, time } = wallClock(at, zone);
  return `${dayWords(day, zone, options)}, ${time}`;
}

/** A zone as people name it: its city. */
export function cityOf(zone: string): string {
  return zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ');
}
