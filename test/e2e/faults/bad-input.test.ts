import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandFailed } from '../../../lib/process/run.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster({ args: ['--no-node'] });
  await cluster.kubectl('create configmap there --from-literal=key=value');
});
afterAll(() => cluster?.remove());

const configMap = (name: string, more: object) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});
const deployment = (spec: object) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'bad' },
  spec: {
    selector: { matchLabels: { app: 'bad' } },
    template: {
      metadata: { labels: { app: 'bad' } },
      spec: { containers: [{ name: 'web', image: 'hello:1.0' }] },
    },
    ...spec,
  },
});

/** What kubectl is given, and what it prints when kube-apiserver refuses it. */
const refusals: [name: string, args: string, input: string | object | undefined, says: RegExp | string][] = [
  [
    'an unknown field',
    'apply -f -',
    deployment({ replicaz: 1 }),
    'strict decoding error: unknown field "spec.replicaz"',
  ],
  [
    'a wrong type',
    'create --validate=false -f -',
    deployment({ replicas: 'three' }),
    /cannot be handled as a Deployment: .*cannot unmarshal string into Go struct field .*spec\.replicas of type int32/,
  ],
  [
    'a missing required field',
    'create -f -',
    deployment({ template: { metadata: { labels: { app: 'bad' } }, spec: { containers: [] } } }),
    'The Deployment "bad" is invalid: spec.template.spec.containers: Required value',
  ],
  [
    'a value that cannot be',
    'create -f -',
    deployment({ replicas: -1 }),
    'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    'a selector that does not match its template',
    'create -f -',
    deployment({ selector: { matchLabels: { app: 'other' } } }),
    '`selector` does not match template `labels`',
  ],
  [
    'a duplicate name',
    'create -f -',
    configMap('there', {}),
    'Error from server (AlreadyExists): error when creating "STDIN": configmaps "there" already exists',
  ],
  [
    'a name that cannot be',
    'create -f -',
    configMap('Not_A_Name', {}),
    /metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of/,
  ],
  [
    'a stale resourceVersion',
    'replace -f -',
    configMap('there', { metadata: { name: 'there', resourceVersion: '1' } }),
    /Operation cannot be fulfilled on configmaps "there": the object has been modified; please apply your changes to the latest version/,
  ],
  [
    'an unknown kind',
    'create --validate=false -f -',
    { apiVersion: 'example.org/v1', kind: 'Nothing', metadata: { name: 'x' } },
    'no matches for kind "Nothing" in version "example.org/v1"',
  ],
  [
    'a resource that is not there',
    'get configmap none',
    undefined,
    'Error from server (NotFound): configmaps "none" not found',
  ],
  [
    'an object over 1.5 MB',
    'create -f -',
    configMap('large', { data: { key: 'x'.repeat(1_600_000) } }),
    /RequestEntityTooLarge|Too long: may not be more than 1048576 bytes/,
  ],
  [
    'a body over 3 MB',
    'create --validate=false -f -',
    configMap('larger', { data: { key: 'x'.repeat(3_200_000) } }),
    /Request entity too large: limit is 3145728|RequestEntityTooLarge/,
  ],
  [
    'broken JSON',
    'create --raw /api/v1/namespaces/default/configmaps -f -',
    '{"kind": "ConfigMap",',
    /Error from server \(BadRequest\): .*/,
  ],
];

test.each(refusals)(
  '%s is refused in the words of kube-apiserver, and nothing is stored',
  async (_, args, input, says) => {
    const before = await state();
    const failure = await refused(args, input);
    expect(failure.stderr).toMatch(says);
    expect(await state()).toEqual(before);
  },
);

test('nobody gets in without credentials', async () => {
  const failure = await refused(
    `--kubeconfig /dev/null --server https://127.0.0.1:${cluster.port} --insecure-skip-tls-verify --username nobody --password none get pods`,
  );
  expect(failure.stderr).toMatch(/Unauthorized|must be logged in/);
});

/** Every object that a refused request could have changed, with its revision. */
async function state(): Promise<string> {
  return await cluster.kubectl(
    'get configmaps,deployments -o jsonpath={range.items[*]}{.metadata.name}={.metadata.resourceVersion},{end}',
  );
}

async function refused(args: string, input?: string | object): Promise<CommandFailed> {
  try {
    const text = input === undefined || typeof input === 'string' ? input : JSON.stringify(input);
    await cluster.kubectl(args, text === undefined ? {} : { input: text });
  } catch (error) {
    if (error instanceof CommandFailed) return error;
    throw error;
  }
  throw new Error(`kubectl ${args.slice(0, 60)} was not refused`);
}
