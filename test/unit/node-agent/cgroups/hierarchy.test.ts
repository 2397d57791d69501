import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../lib/clock.ts';
import { openCgroups } from '../../../../node-agent/cgroups/hierarchy.ts';
import { createPodCgroups } from '../../../../node-agent/cgroups/pod-cgroups.ts';
import { pod } from '../pods/fixtures.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kumulus-cgroups-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const read = (path: string) => readFile(join(dir, path), 'utf8');
const allocatable = { cpuMilli: 2000, memoryBytes: 1024 ** 3 };
const burstable = pod({
  containers: [
    { name: 'app', resources: { requests: { cpu: '500m' }, limits: { cpu: '1', memory: '64Mi' } } },
  ],
});

async function mountTable(...mounts: [path: string, type: string, options: string][]): Promise<string> {
  const file = join(dir, 'mountinfo');
  const lines = mounts.map(
    ([path, type, options], i) => `${i} 1 0:${i} / ${join(dir, path)} rw - ${type} ${type} ${options}`,
  );
  await writeFile(file, `1 0 8:1 / / rw - ext4 /dev/vda rw\n${lines.join('\n')}\n`);
  return file;
}

describe('control groups of version 1', () => {
  it('hold a pod in one tree a controller', async () => {
    for (const tree of ['cpu', 'memory', 'pids']) await mkdir(join(dir, tree));
    const table = await mountTable(
      ['cpu', 'cgroup', 'rw,cpu,cpuacct'],
      ['memory', 'cgroup', 'rw,memory'],
      ['pids', 'cgroup', 'rw,pids'],
      ['unified', 'cgroup2', 'rw'],
    );
    const tree = await openCgroups(systemClock, table);
    expect(tree.version).toBe(1);
    const cgroups = await createPodCgroups(tree, '/kumulus', allocatable);
    expect(await read('memory/kumulus/kubepods/memory.limit_in_bytes')).toBe(String(1024 ** 3));
    expect(await cgroups.ensure(burstable)).toBe('/kumulus/kubepods/burstable/podu1');
    const path = 'kumulus/kubepods/burstable/podu1';
    expect(await read(`cpu/${path}/cpu.shares`)).toBe('512');
    expect(await read(`cpu/${path}/cpu.cfs_quota_us`)).toBe('100000');
    expect(await read(`memory/${path}/memory.limit_in_bytes`)).toBe(String(64 * 1024 * 1024));
    expect(await cgroups.present()).toEqual(['u1']);
    await cgroups.balance([burstable, burstable]);
    expect(await read('cpu/kumulus/kubepods/burstable/cpu.shares')).toBe('1024');
  });
});

describe('control groups of version 2', () => {
  it('pass controllers down one tree', async () => {
    // The kernel makes these files with each group.
    const groups = [
      '',
      'kumulus',
      'kumulus/kubepods',
      'kumulus/kubepods/burstable',
      'kumulus/kubepods/besteffort',
    ];
    for (const group of groups) {
      await mkdir(join(dir, 'unified', group), { recursive: true });
      await writeFile(join(dir, 'unified', group, 'cgroup.controllers'), 'cpu memory pids\n');
    }
    const tree = await openCgroups(systemClock, await mountTable(['unified', 'cgroup2', 'rw,nsdelegate']));
    expect(tree.version).toBe(2);
    const cgroups = await createPodCgroups(tree, '/kumulus', allocatable);
    await cgroups.ensure(burstable);
    const path = 'unified/kumulus/kubepods/burstable/podu1';
    expect(await read('unified/kumulus/kubepods/cgroup.subtree_control')).toBe('+cpu +memory +pids');
    expect(await read(`${path}/cpu.weight`)).toBe('20');
    expect(await read(`${path}/cpu.max`)).toBe('100000 100000');
    expect(await read(`${path}/memory.max`)).toBe(String(64 * 1024 * 1024));
    expect(await readdir(join(dir, 'unified/kumulus/kubepods/burstable'))).toContain('podu1');
  });
});
