/**
 * Whether a CronJob's schedule can be read: five fields of crontab(5), a macro, or `@every` with a duration (API
 * reference of CronJobSpec). When it falls due is not this file's matter.
 */
import { durationMs } from '../../validate/go-duration.ts';
import { quote } from '../../validate/quote.ts';

interface Field {
  low: number;
  high: number;
  names: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const fields: readonly Field[] = [
  { low: 0, high: 59, names: [] },
  { low: 0, high: 23, names: [] },
  { low: 1, high: 31, names: [] },
  { low: 1, high: 12, names: months },
  { low: 0, high: 6, names: days },
];
const macros = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);
const every = '@every ';

/** What is wrong with it, in the API's words; undefined when nothing is. */
export function scheduleProblem(schedule: string): string | undefined {
  let rest = schedule;
  const zone = /^(?:TZ|CRON_TZ)=(\S*)/.exec(rest);
  if (zone) {
    if (!isTimeZone(zone[1] ?? '')) return `provided bad location ${zone[1]}: unknown time zone ${zone[1]}`;
    rest = rest.slice(zone[0].length).trim();
  }
  if (rest === '') return 'empty spec string';
  if (rest.startsWith('@')) return macroProblem(rest);
  const texts = rest.split(/\s+/).filter((text) => text !== '');
  if (texts.length !== fields.length) {
    return `expected exactly 5 fields, found ${texts.length}: [${texts.join(' ')}]`;
  }
  for (const [index, text] of texts.entries()) {
    for (const expression of text.split(',').filter((part) => part !== '')) {
      const problem = rangeProblem(expression, fields[index] as Field);
      if (problem) return problem;
    }
  }
  return undefined;
}

/** A name that the time zone database has. An empty name is UTC. */
export function isTimeZone(name: string): boolean {
  if (name === '') return true;
  // Offsets are none of the database's names.
  if (/^[+-]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function macroProblem(text: string): string | undefined {
  if (macros.has(text)) return undefined;
  if (!text.startsWith(every)) return `unrecognized descriptor: ${text}`;
  const duration = text.slice(every.length);
  if (!Number.isNaN(durationMs(duration))) return undefined;
  return `failed to parse duration ${text}: time: invalid duration ${quote(duration)}`;
}

function rangeProblem(expression: string, { low, high, names }: Field): string | undefined {
  const [range = '', step, ...more] = expression.split('/');
  const [from = '', to, ...further] = range.split('-');
  let start = low;
  let end = high;
  if (from !== '*' && from !== '?') {
    const first = valueOf(from, names);
    if (typeof first === 'string') return first;
    start = end = first;
    if (further.length > 0) return `too many hyphens: ${expression}`;
    if (to !== undefined) {
      const last = valueOf(to, names);
      if (typeof last === 'string') return last;
      end = last;
    }
  }
  if (more.length > 0) return `too many slashes: ${expression}`;
  let stride = 1;
  if (step !== undefined) {
    const parsed = integerOf(step);
    if (typeof parsed === 'string') return parsed;
    stride = parsed;
    // `N/step` means from N on.
    if (to === undefined && from !== '*' && from !== '?') end = high;
  }
  if (start < low) return `beginning of range (${start}) below minimum (${low}): ${expression}`;
  if (end > high) return `end of range (${end}) above maximum (${high}): ${expression}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${expression}`;
  return stride === 0 ? `step of range should be a positive number: ${expression}` : undefined;
}

/** A number, or a name that stands for one; a text tells why it is neither. */
function valueOf(text: string, names: readonly string[]): number | string {
  const named = names.indexOf(text.toLowerCase());
  return named < 0 ? integerOf(text) : named + (names === months ? 1 : 0);
}

function integerOf(text: string): number | string {
  if (!/^[+-]?\d+$/.test(text)) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${quote(text)}: invalid syntax`;
  }
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${quote(text)}: value out of range`;
  }
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}
