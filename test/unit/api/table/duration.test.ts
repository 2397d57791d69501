import { describe, expect, it } from 'vitest';
import { humanDuration } from '../../../../lib/api/table/index.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

describe('a duration', () => {
  it.each([
    [-5 * second, '<invalid>'],
    [-1 * second, '0s'],
    [999, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [5 * minute + 30 * second, '5m30s'],
    [10 * minute + 59 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [7 * hour + 5 * minute, '7h5m'],
    [8 * hour + 5 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day, '2d'],
    [7 * day + 3 * hour, '7d3h'],
    [8 * day + 3 * hour, '8d'],
    [2 * year - day, '729d'],
    [2 * year, '2y'],
    [2 * year + day, '2y1d'],
    [8 * year + day, '8y'],
  ])('of %i ms is %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });
});
