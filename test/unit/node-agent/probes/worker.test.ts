import { describe, expect, it } from 'vitest';
import type { Pod, PodStatus, Probe } from '../../../../lib/api/gen/types.ts';
import type { Clock } from '../../../../lib/clock.ts';
import type { ProbeOutcome } from '../../../../node-agent/probes/probe.ts';
import { type ProbeType, probeContainer } from '../../../../node-agent/probes/worker.ts';

/** Time passes as soon as somebody waits for it; the worker is stopped at the end of the given time. */
function passingClock(stop: AbortController, endMs: number, onTick: (now: number) => void): Clock {
  let now = 0;
  return {
    now: () => now,
    async sleep(ms) {
      now += ms;
      if (now >= endMs) stop.abort();
      else onTick(now);
    },
  };
}

const running = (started: boolean): PodStatus => ({
  phase: 'Running',
  containerStatuses: [
    {
      name: 'app',
      image: '',
      imageID: '',
      ready: false,
      restartCount: 0,
      started,
      containerID: 'containerd://c1',
      state: { running: { startedAt: new Date(0).toISOString() } },
    },
  ],
});

async function probed(
  type: ProbeType,
  probe: Probe,
  outcome: (n: number) => ProbeOutcome['result'],
  options: { endMs?: number; status?: (now: number) => PodStatus; pod?: Partial<Pod['spec']> } = {},
) {
  const stop = new AbortController();
  const results: string[] = [];
  const reports: string[] = [];
  const times: number[] = [];
  let now = 0;
  let count = 0;
  const clock = passingClock(stop, options.endMs ?? 60_000, (at) => {
    now = at;
  });
  await probeContainer(
    {
      type,
      pod: { metadata: { name: 'p' }, spec: { containers: [], ...options.pod } },
      container: { name: 'app' },
      probe,
      clock,
      random: () => 0,
      status: () => options.status?.(now) ?? running(type !== 'Startup'),
      run: async () => {
        times.push(now);
        return { result: outcome(count++), output: '' };
      },
      report: ({ result }) => reports.push(result),
      result: (_id, result) => results.push(result),
      forget: (id) => results.push(`forgot ${id}`),
    },
    stop.signal,
  );
  return { results, reports, times, count };
}

describe('probing a container', () => {
  it('begins with what is safe: alive, not ready, not started', async () => {
    const first = async (type: ProbeType) =>
      (await probed(type, {}, () => 'success', { endMs: 1 })).results[0];
    expect([await first('Liveness'), await first('Readiness'), await first('Startup')]).toEqual([
      'success',
      'failure',
      'unknown',
    ]);
  });

  it('waits for its initial delay and keeps its period', async () => {
    const { times } = await probed(
      'Liveness',
      { initialDelaySeconds: 5, periodSeconds: 10 },
      () => 'success',
    );
    expect(times).toEqual([5_000, 15_000, 25_000, 35_000, 45_000, 55_000]);
  });

  it('counts failures up to the threshold, then holds until there is another container', async () => {
    const { results, reports, count } = await probed('Liveness', { failureThreshold: 3 }, () => 'failure');
    expect(results).toEqual(['success', 'failure', 'forgot c1']);
    expect(reports).toEqual(['failure', 'failure', 'failure']);
    expect(count).toBe(3);
  });

  it('needs as many successes in a row as it is told', async () => {
    const pattern = ['success', 'failure', 'success', 'success'] as const;
    const { results } = await probed(
      'Readiness',
      { successThreshold: 2, failureThreshold: 1, periodSeconds: 1 },
      (n) => pattern[n] ?? 'success',
      { endMs: 3_500 },
    );
    expect(results).toEqual(['failure', 'failure', 'success', 'forgot c1']);
  });

  it('tries again at once what could not be done, and makes nothing of it', async () => {
    const { results, reports, count } = await probed('Readiness', {}, () => 'unknown', { endMs: 900 });
    expect(results).toEqual(['failure', 'forgot c1']);
    expect([count, reports]).toEqual([3, ['unknown']]);
  });

  it('of its life or readiness waits until it has started', async () => {
    const status = (now: number) => running(now >= 3_000);
    expect((await probed('Liveness', {}, () => 'success', { status })).times[0]).toBe(3_000);
    expect(
      (await probed('Startup', { periodSeconds: 1 }, () => 'failure', { status })).times.at(-1),
    ).toBeLessThan(3_000);
  });

  it('ends with the pod', async () => {
    const { count } = await probed('Readiness', {}, () => 'success', {
      status: () => ({ phase: 'Succeeded' }),
    });
    expect(count).toBe(0);
  });
});
