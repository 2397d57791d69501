/** What Lambda loads at a cold start is kept small, and can be loaded: every function's bundle, made as it is deployed. */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../../lib/process/run.ts';
import { type MeasuredBundle, measuredBundle } from '../../support/lambda/bundle.ts';

const root = join(import.meta.dirname, '../../..');
const mostZippedBytes = 3_000_000;
/** The functions' entries are the modules that hand Lambda a handler. */
const entries = globSync('functions/**/*.ts', { cwd: root })
  .filter((path) => /^export const handler\b/m.test(readFileSync(join(root, path), 'utf8')))
  .sort();

/** As much as a function reads before it is called. */
const settings = {
  AWS_REGION: 'us-east-1',
  KUMULUS_CLUSTER: 'test',
  KUMULUS_TABLE: 'test',
  KUMULUS_KEYS_PATH: '/kumulus/test/keys',
  KUMULUS_WORK_QUEUE_URL: 'https://sqs.example/1/work.fifo',
  KUMULUS_SCHEDULER_QUEUE_URL: 'https://sqs.example/1/scheduler.fifo',
  KUMULUS_DELAY_QUEUE_URL: 'https://sqs.example/1/delays',
  KUMULUS_DEAD_LETTER_QUEUE_URL: 'https://sqs.example/1/dead',
  KUMULUS_SERVICE_CIDR: '10.96.0.0/16',
  KUMULUS_CLUSTER_CIDR: '10.244.0.0/16',
  KUMULUS_NODE_PORT_RANGE: '30000-32767',
  KUMULUS_ISSUER: 'https://kubernetes.default.svc',
  KUMULUS_ADVERTISE: '192.0.2.1:443',
  KUMULUS_NODE_TOPIC_ARN: 'arn:aws:sns:us-east-1:000000000000:nodes',
  KUMULUS_NODE_ROLE_ARN: 'arn:aws:iam::000000000000:role/node',
  KUMULUS_NODE_ROLE_ID: 'AROAEXAMPLE',
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kumulus-bundles-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('the entries are those of the stack', () => {
  const stack = globSync('infra/constructs/*.ts', { cwd: root }).map((path) =>
    readFileSync(join(root, path), 'utf8'),
  );
  const deployed = stack.flatMap((text) => [...text.matchAll(/entry: '([^']+)'/g)].map(([, path]) => path));
  expect(new Set(deployed)).toEqual(new Set(entries));
});

describe.each(entries)('%s', (entry) => {
  let bundle: MeasuredBundle;
  beforeAll(() => {
    bundle = measuredBundle(entry, join(dir, entry.replaceAll('/', '-')));
  });

  test('is less than 3 MB, zipped', () => {
    expect(bundle.zippedBytes).toBeLessThan(mostZippedBytes);
  });

  test('can be loaded', async () => {
    const script = `console.log(typeof (await import(process.argv[1])).handler)`;
    const args = ['--input-type=module', '-e', script, bundle.index];
    const loaded = await runCommand(process.execPath, args, {
      env: { ...process.env, ...settings },
      timeoutMs: 120_000,
    });
    expect(loaded.trim()).toBe('function');
  });
});
