import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const container = {
  name: 'c',
  image: 'i',
  resources: { limits: { memory: '1500m' }, requests: { memory: '1' } },
  env: [
    { name: 'A', value: '1' },
    { name: 'A', value: '2' },
    { name: 'B', value: 'x' },
    { name: 'B', value: '$(B):y' },
  ],
};
const spec = {
  containers: [container],
  nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
  imagePullSecrets: [{ name: 's' }, { name: 's' }],
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
};
const wanted = (at: string) => [
  `${at}spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead`,
  `${at}spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod`,
  `${at}spec.imagePullSecrets[1].name: duplicate name "s"`,
  `${at}spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer`,
  `${at}spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply`,
];
const warnings = (headers: Record<string, string | string[] | undefined>) =>
  [...String(headers.warning).matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
    (text ?? '').replaceAll('\\"', '"'),
  );

test('pods and templates are written with warnings of what works and not as it reads', async () => {
  const pod = await server.post('/api/v1/namespaces/default/pods', { metadata: { name: 'a.b' }, spec });
  expect(pod.status, pod.text).toBe(201);
  const [first, ...rest] = warnings(pod.headers);
  expect(first).toContain("metadata.name: this is used in the Pod's hostname");
  expect(rest).toEqual(wanted(''));
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const template = { metadata: { labels: { app: 'a' } }, spec };
  const body = { metadata: { name: 'd' }, spec: { selector: { matchLabels: { app: 'a' } }, template } };
  const made = await server.post(path, body);
  expect(warnings(made.headers)).toEqual(wanted('spec.template.'));
  // What was not touched is not said again.
  const labelled = await server.patch(`${path}/d`, 'application/merge-patch+json', {
    metadata: { labels: { a: 'b' } },
  });
  expect(labelled.headers.warning).toBeUndefined();
});
