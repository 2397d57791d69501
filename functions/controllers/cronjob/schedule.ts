import { Cron } from 'croner';
import { durationMs } from '../../../lib/api/validate/go-duration.ts';

const every = '@every ';

export interface Schedule {
  /** The first time after this one, in ms since the epoch; undefined when there is none any more. */
  next(afterMs: number): number | undefined;
}

/**
 * Five fields of crontab(5), a macro, or `@every` with a duration; in UTC unless a zone is named.
 * @throws Error what is wrong with it
 */
export function parseSchedule(schedule: string, timeZone: string | undefined): Schedule {
  // A zone within the schedule is what older clusters took.
  const [zone = '', named] = /^(?:CRON_)?TZ=(\S*)/.exec(schedule) ?? [];
  const rest = schedule.slice(zone.length).trim();
  if (rest.startsWith(every)) return everyDuration(rest.slice(every.length).trim());
  // `?` is another `*` here; elsewhere it is the time at which the schedule is read.
  const cron = new Cron(rest.replaceAll('?', '*'), {
    paused: true,
    sloppyRanges: true,
    timezone: timeZone ?? (named || 'UTC'),
  });
  return { next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() };
}

/** Counted from the last time, in whole seconds, and at least one. */
function everyDuration(text: string): Schedule {
  const ms = durationMs(text);
  if (Number.isNaN(ms)) throw new Error(`"${text}" is no duration`);
  const period = Math.max(1000, Math.floor(ms / 1000) * 1000);
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + period };
}

/** Times that have passed: the newest one, and how many there were. */
export interface Missed {
  latestMs: number | undefined;
  count: 'none' | 'few' | 'many';
}

/** More than so many are a sign of a clock that is off, or of a controller that was away for long. */
const fewMissed = 100;

/**
 * The times after `earliestMs` up to now; of many, the number is estimated from the distance of the first two.
 */
export function missedTimes(schedule: Schedule, earliestMs: number, nowMs: number): Missed {
  const first = schedule.next(earliestMs);
  if (first === undefined || first > nowMs) return { latestMs: undefined, count: 'none' };
  const second = schedule.next(first);
  if (second === undefined || second > nowMs) return { latestMs: first, count: 'few' };
  const between = second - first;
  const count = Math.floor((nowMs - first) / between) + 1;
  return { latestMs: latest(schedule, second, nowMs, between), count: count > fewMissed ? 'many' : 'few' };
}

/** The newest time up to now, looked for ever further back from there: times need not be at equal distances. */
function latest(schedule: Schedule, knownMs: number, nowMs: number, distanceMs: number): number {
  for (let back = distanceMs; ; back *= 2) {
    const from = Math.max(knownMs, nowMs - back);
    let newest: number | undefined;
    for (let at = schedule.next(from); at !== undefined && at <= nowMs; at = schedule.next(at)) newest = at;
    if (newest !== undefined) return newest;
    if (from === knownMs) return knownMs;
  }
}
