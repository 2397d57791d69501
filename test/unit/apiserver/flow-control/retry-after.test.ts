import { expect, it } from 'vitest';
import { RetryAfter } from '../../../../functions/apiserver/pipeline/flow-control/retry-after.ts';

it('asks for more patience while many are refused, and for less again afterwards', () => {
  const retry = new RetryAfter();
  expect(retry.seconds).toBe(1);
  const seen: number[] = [];
  let now = 1_000;
  for (; now < 1_100; now++) {
    for (let drop = 0; drop < 100; drop++) retry.recordDrop(now);
    seen.push(retry.seconds);
  }
  expect(Math.max(...seen)).toBe(32);
  for (let round = 0; round < 100; round++) {
    now += 100;
    retry.recordDrop(now);
  }
  expect(retry.seconds).toBe(1);
});
