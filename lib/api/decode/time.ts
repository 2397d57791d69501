import { quote } from '../validate/quote.ts';

const plain = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const zone = 'Z07:00';

/** `metav1.Time`: RFC 3339, kept in UTC with whole seconds. Returns the time, or throws a RangeError in Go's words. */
export function normalizeTime(text: string): string {
  if (plain.test(text) && !Number.isNaN(Date.parse(text)) && text.slice(11, 13) !== '24') return text;
  const { epochMs } = parse(text, `2006-01-02T15:04:05${zone}`, false);
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** `metav1.MicroTime`: RFC 3339 with exactly six decimals, kept in UTC. */
export function normalizeMicroTime(text: string): string {
  const { epochMs, fraction } = parse(text, `2006-01-02T15:04:05.000000${zone}`, true);
  return `${new Date(epochMs).toISOString().slice(0, 19)}.${fraction.padEnd(6, '0').slice(0, 6)}Z`;
}

const elements: { layout: string; pattern: RegExp; range?: [name: string, low: number, high: number] }[] = [
  { layout: '2006', pattern: /^\d{4}/ },
  { layout: '-', pattern: /^-/ },
  { layout: '01', pattern: /^\d\d/, range: ['month', 1, 12] },
  { layout: '-', pattern: /^-/ },
  { layout: '02', pattern: /^\d\d/, range: ['day', 1, 31] },
  { layout: 'T', pattern: /^T/ },
  { layout: '15', pattern: /^\d\d?/, range: ['hour', 0, 23] },
  { layout: ':', pattern: /^:/ },
  { layout: '04', pattern: /^\d\d/, range: ['minute', 0, 59] },
  { layout: ':', pattern: /^:/ },
  { layout: '05', pattern: /^\d\d/, range: ['second', 0, 59] },
];

function parse(text: string, layout: string, micro: boolean): { epochMs: number; fraction: string } {
  const fail = (rest: string, element: string) => {
    return new RangeError(
      `parsing time ${quote(text)} as ${quote(layout)}: cannot parse ${quote(rest)} as ${quote(element)}`,
    );
  };
  const outOfRange = (name: string) => new RangeError(`parsing time ${quote(text)}: ${name} out of range`);
  let rest = text;
  const numbers: number[] = [];
  for (const { layout: element, pattern, range } of elements) {
    const found = pattern.exec(rest)?.[0];
    if (found === undefined) throw fail(rest, element);
    const number = Number(found);
    if (range && (number < range[1] || number > range[2])) throw outOfRange(range[0]);
    if (!Number.isNaN(number)) numbers.push(number);
    rest = rest.slice(found.length);
  }
  const fraction = (micro ? /^\.(\d{6})(?!\d)/ : /^[.,](\d+)/).exec(rest);
  if (micro && !fraction) throw fail(rest, '.000000');
  rest = rest.slice(fraction?.[0].length ?? 0);
  const offset = /^(?:Z|([+-])(\d\d):(\d\d))/.exec(rest);
  if (!offset) throw fail(rest, zone);
  rest = rest.slice(offset[0].length);
  if (rest !== '') throw new RangeError(`parsing time ${quote(text)}: extra text: ${quote(rest)}`);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCDate() !== day) throw outOfRange('day');
  const minutes = Number(offset[2] ?? 0) * 60 + Number(offset[3] ?? 0);
  const sign = offset[1] === '-' ? -1 : 1;
  return { epochMs: date.getTime() - sign * minutes * 60_000, fraction: fraction?.[1] ?? '' };
}
