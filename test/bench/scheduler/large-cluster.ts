import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeStored } from '../../../lib/api/stored.ts';
import { nodes, pods } from '../../../lib/client/resources.ts';
import type { Mutation } from '../../../lib/store/port.ts';
import { createNodes, createPods, startControlPlane } from './cluster.ts';

export interface ColdStart {
  /** From the start of the process to a scheduler that could decide. */
  readyMs: number;
  heapBytes: number;
  rssBytes: number;
}

const mutationsAtOnce = 1_000;

/** Fills a store with nodes and pods on them, and starts a scheduler on it in a process of its own. */
export async function coldStart(nodeCount: number, podCount: number): Promise<ColdStart> {
  const dir = await mkdtemp(join(tmpdir(), 'kumulus-cold-start-'));
  try {
    const controlPlane = await startControlPlane(dir);
    try {
      await fill(controlPlane, nodeCount, podCount);
    } finally {
      await controlPlane.close({ keep: true });
    }
    const program = join(import.meta.dirname, 'cold-start.ts');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--expose-gc', '--max-old-space-size=8192', program, dir],
      { timeout: 300_000 },
    );
    const started = JSON.parse(stdout) as ColdStart & { nodes: number; pods: number };
    if (started.nodes !== nodeCount || started.pods !== podCount) {
      throw new Error(`the scheduler saw ${started.nodes} nodes and ${started.pods} pods`);
    }
    return started;
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** One of each through the API server, so that all fields are there; the others are its copies, straight into the store. */
async function fill(
  { admin, store }: Awaited<ReturnType<typeof startControlPlane>>,
  nodeCount: number,
  podCount: number,
): Promise<void> {
  await createNodes(admin, 1);
  const node = await admin.get(nodes, { name: 'node-0' });
  await copies(nodeCount - 1, 'nodes', (index) => {
    const name = `node-${index + 1}`;
    return { ...node, metadata: { ...node.metadata, name, uid: crypto.randomUUID() } };
  });
  await createPods(admin, 1, { prefix: 'pod' }, 1);
  const pod = await admin.get(pods, { namespace: 'default', name: 'pod-0' });
  await copies(podCount - 1, 'pods', (index) => ({
    ...pod,
    metadata: { ...pod.metadata, name: `pod-${index + 1}`, uid: crypto.randomUUID() },
    spec: { ...pod.spec, nodeName: `node-${(index + 1) % nodeCount}` },
  }));

  async function copies<T extends { metadata: { name: string; namespace?: string } }>(
    count: number,
    resource: string,
    make: (index: number) => T,
  ): Promise<void> {
    for (let from = 0; from < count; from += mutationsAtOnce) {
      const length = Math.min(mutationsAtOnce, count - from);
      const mutations = Array.from({ length }, (_, i): Mutation => {
        const object = make(from + i);
        const { name, namespace } = object.metadata;
        return { op: 'create', key: namespace ? `${namespace}/${name}` : name, body: encodeStored(object) };
      });
      await store.commit(resource, mutations);
    }
  }
}
