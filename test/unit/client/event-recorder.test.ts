import { describe, expect, it } from 'vitest';
import type { CoreV1Event } from '../../../lib/api/gen/types.ts';
import { createEventRecorder } from '../../../lib/client/event-recorder.ts';
import { createKubeClient } from '../../../lib/client/kube-client.ts';
import type { Transport } from '../../../lib/client/transport.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';

/** Keeps events as a server does: creates them, merges patches of their top-level fields. */
function recording() {
  const stored = new Map<string, CoreV1Event>();
  const clock = createSteppedClock();
  const answer = (status: number, body: unknown) => ({
    status,
    headers: {},
    body: Buffer.from(JSON.stringify(body)),
  });
  const transport: Transport = (request) => {
    const body = JSON.parse(Buffer.from(request.body as Uint8Array).toString()) as CoreV1Event;
    const name =
      request.method === 'POST' ? (body.metadata.name ?? '') : (request.path.split('/').at(-1) ?? '');
    const before = stored.get(name);
    if (request.method === 'PATCH' && !before) {
      return Promise.resolve(answer(404, { kind: 'Status', reason: 'NotFound', code: 404 }));
    }
    stored.set(name, { ...before, ...body });
    return Promise.resolve(answer(200, stored.get(name)));
  };
  const client = createKubeClient(transport, { clock, requestTimeoutMs: 1e12 });
  const recorder = createEventRecorder(client, { component: 'test', host: 'n1', clock, log: silentLogger });
  return { stored, clock, recorder, events: () => [...stored.values()] };
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'u1', resourceVersion: '7' },
};

describe('event recorder', () => {
  it("writes what kubectl shows, under upstream's name", async () => {
    const { recorder, events, clock } = recording();
    recorder.event(pod, 'Normal', 'Pulled', 'got it');
    await recorder.flush();
    expect(events()).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `web.${(BigInt(clock.now()) * 1_000_000n).toString(16)}`, namespace: 'default' },
        involvedObject: {
          apiVersion: 'v1',
          kind: 'Pod',
          name: 'web',
          namespace: 'default',
          uid: 'u1',
          resourceVersion: '7',
        },
        reason: 'Pulled',
        message: 'got it',
        type: 'Normal',
        source: { component: 'test', host: 'n1' },
        reportingComponent: 'test',
        reportingInstance: 'n1',
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        count: 1,
      },
    ]);
  });

  it('counts the same event, and begins anew when the server has dropped it', async () => {
    const { recorder, events, clock, stored } = recording();
    recorder.event(pod, 'Warning', 'BackOff', 'again');
    recorder.event(pod, 'Warning', 'BackOff', 'again');
    await recorder.flush();
    await clock.step(5_000);
    recorder.event(pod, 'Warning', 'BackOff', 'again');
    await recorder.flush();
    expect(events()).toMatchObject([
      { count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:05Z' },
    ]);
    stored.clear();
    recorder.event(pod, 'Warning', 'BackOff', 'again');
    await recorder.flush();
    expect(events()).toMatchObject([{ count: 4, message: 'again' }]);
  });

  it('combines events that differ only in their message, from the tenth on', async () => {
    const { recorder, events } = recording();
    for (let i = 0; i < 12; i++) recorder.event(pod, 'Warning', 'Failed', `attempt ${i}`);
    await recorder.flush();
    expect(events()).toHaveLength(10);
    expect(events().at(-1)).toMatchObject({
      message: '(combined from similar events): attempt 11',
      count: 3,
    });
  });

  it('writes at most 25 about one object at once, then one in five minutes', async () => {
    const { recorder, events, clock } = recording();
    for (let i = 0; i < 40; i++) recorder.event(pod, 'Normal', `Reason${i}`, 'x');
    await recorder.flush();
    expect(events()).toHaveLength(25);
    await clock.step(300_000);
    for (let i = 0; i < 5; i++) recorder.event(pod, 'Normal', `Later${i}`, 'x');
    await recorder.flush();
    expect(events()).toHaveLength(26);
  });

  it('drops the oldest when its buffer is full', async () => {
    const { recorder, events } = recording();
    for (let i = 0; i < 1_200; i++) {
      recorder.event(
        { ...pod, metadata: { ...pod.metadata, name: `p${i}`, uid: `u${i}` } },
        'Normal',
        'R',
        'x',
      );
    }
    await recorder.flush();
    const names = events().map((event) => event.involvedObject.name);
    expect(names.length).toBeLessThanOrEqual(1_010);
    expect(names).toContain('p1199');
    expect(names).not.toContain('p50');
  });
});
