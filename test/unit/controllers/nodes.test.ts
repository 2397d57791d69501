import { describe, expect, test } from 'vitest';
import { splitCidr } from '../../../functions/controllers/node-ipam/ranges.ts';
import { wantedTaints } from '../../../functions/controllers/node-lifecycle/taints.ts';
import { evictionDelayMs } from '../../../functions/controllers/node-lifecycle/zones.ts';
import { toleratedSeconds } from '../../../functions/controllers/taint-eviction/tolerations.ts';
import { node } from './objects.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

describe('pod ranges', () => {
  const parts = splitCidr('10.244.0.0/16', 24);

  test('are cut in order', () => {
    expect([parts.count, parts.at(0), parts.at(255)]).toEqual([256, '10.244.0.0/24', '10.244.255.0/24']);
  });

  test('know which parts another range touches', () => {
    expect(parts.indexesOf('10.244.3.0/24')).toEqual([3]);
    expect(parts.indexesOf('10.244.4.128/25')).toEqual([4]);
    expect(parts.indexesOf('10.244.6.0/23')).toEqual([6, 7]);
    expect(parts.indexesOf('10.0.0.0/24')).toEqual([]);
    expect(parts.indexesOf('fd00::/64')).toEqual([]);
  });

  test.each([
    ['10.244.0.0', 24],
    ['10.244.0.0/16', 12],
    ['300.0.0.0/8', 24],
  ])('%s in parts of /%i is refused', (cidr, prefix) => {
    expect(() => splitCidr(cidr, prefix)).toThrow(/Invalid value/);
  });
});

describe('tolerations', () => {
  const taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };
  test.each([
    ['none', [], 0],
    ['all, for ever', [{ operator: 'Exists' }], Number.POSITIVE_INFINITY],
    [
      'for a time',
      [{ key: taint.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }],
      300,
    ],
    [
      'the shortest counts',
      [
        { operator: 'Exists', tolerationSeconds: 9 },
        { key: taint.key, operator: 'Exists', tolerationSeconds: 5 },
      ],
      5,
    ],
    ['a negative time is none', [{ operator: 'Exists', tolerationSeconds: -1 }], 0],
    ['another effect', [{ operator: 'Exists', effect: 'NoSchedule' }], 0],
    ['another value', [{ key: taint.key, value: 'x' }], 0],
    ['an equal empty value', [{ key: taint.key }], Number.POSITIVE_INFINITY],
  ])('%s', (_, tolerations, seconds) => {
    expect(toleratedSeconds(tolerations, [taint])).toBe(seconds);
  });
});

describe('taints by condition', () => {
  const at = '2026-01-01T00:00:00Z';

  test('follow the node, and leave what others put there', () => {
    const own = { key: 'team', value: 'a', effect: 'NoSchedule' };
    const silent = node('n', 'Unknown', {
      spec: { taints: [own, { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] },
    });
    expect(wantedTaints(silent, true, at)).toEqual([
      own,
      { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule', timeAdded: at },
      { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: at },
    ]);
    expect(wantedTaints(node('n', 'True', { spec: { taints: [own] } }), false, at)).toEqual([own]);
  });

  test('a cordoned node takes no new pods', () => {
    expect(wantedTaints(node('n', 'True', { spec: { unschedulable: true } }), false, at)).toEqual([
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: at },
    ]);
  });
});

describe('how fast nodes are emptied', () => {
  const emptiedAt = (name: string, timeAdded: string) =>
    node(name, 'Unknown', {
      spec: { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded }] },
    });

  test('not at all when no node answers', () => {
    const only = node('a', 'Unknown');
    expect(evictionDelayMs(only, [only], now)).toBeUndefined();
  });

  test('one in ten seconds', () => {
    const failed = node('a', 'Unknown');
    const ready = [node('x', 'True'), node('y', 'True')];
    expect(evictionDelayMs(failed, [failed, ...ready], now)).toBe(0);
    expect(evictionDelayMs(failed, [failed, emptiedAt('b', '2025-12-31T23:59:57Z'), ...ready], now)).toBe(
      7_000,
    );
  });

  test('not in a small zone where most nodes failed, while another zone is well', () => {
    const zone = { labels: { 'topology.kubernetes.io/zone': 'a' } };
    const failed = ['a', 'b', 'c'].map((name) => node(name, 'Unknown', zone));
    const all = [...failed, node('d', 'True', zone), node('z', 'True')];
    expect(evictionDelayMs(failed[0] ?? node('a', 'Unknown'), all, now)).toBeUndefined();
  });
});
