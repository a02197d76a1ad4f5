// Prints what ical.js and node-ical read in the calendar at TODO_URL, as JSON: for each entry its id, its
// title, its moment or day, and whether it is done.
import ICAL from 'ical.js';
import ical from 'node-ical';

const text = await (await fetch(process.env.TODO_URL)).text();

function byIcalJs() {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const entries = calendar.getAllSubcomponents().filter((one) => one.name !== 'vtimezone');
  return entries.map((one) => {
    const at = one.getFirstPropertyValue('due') ?? one.getFirstPropertyValue('dtstart');
    return {
      uid: one.getFirstPropertyValue('uid'),
      title: one.getFirstPropertyValue('summary'),
      at: at.isDate ? at.toString() : at.toJSDate().toISOString(),
      isRecurring: new ICAL.Event(one).isRecurring(),
    };
  });
}

function byNodeIcal() {
  const entries = Object.values(ical.sync.parseICS(text)).filter((one) =>
    ['VEVENT', 'VTODO'].includes(one.type),
  );
  return entries.map((one) => {
    const at = one.due ?? one.start;
    const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()];
    return {
      uid: one.uid,
      title: one.summary,
      at: at.dateOnly ? day.map((part) => String(part).padStart(2, '0')).join('-') : at.toISOString(),
      isRecurring: one.rrule !== undefined || one.recurrences !== undefined,
    };
  });
}

console.log(JSON.stringify({ 'ical.js': byIcalJs(), 'node-ical': byNodeIcal() }));
