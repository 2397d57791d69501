import { afterAll, beforeAll, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { expectSubresource } from '../support/subresource.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const group = 'networking.k8s.io';
const labels = { special: 'label' };

test('Ingress API should support creating Ingress API operations', async () => {
  const namespace = await plane.namespace();
  const path = `/apis/${group}/v1/namespaces/${namespace}/ingresses`;
  const spec = {
    defaultBackend: { service: { name: 'default-backend', port: { number: 80 } } },
    rules: [
      {
        host: 'wisdom.wise.cracking',
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'test', port: { number: 80 } } } },
          ],
        },
      },
    ],
  };
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'ingresses',
    path,
    everywhere: `/apis/${group}/v1/ingresses`,
    make: (number) => ({ metadata: { name: `ingress-${number}`, labels }, spec }),
  });
  await plane.call('POST', path, { body: { metadata: { name: 'with-status' }, spec } });
  await expectSubresource(plane, `${path}/with-status`, 'status', {
    patch: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } },
    update: { loadBalancer: { ingress: [{ ip: '169.1.1.2' }] } },
    spec: { ingressClassName: 'another' },
  });
});

test('IngressClass API should support creating IngressClass API operations', () =>
  expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'ingressclasses',
    path: `/apis/${group}/v1/ingressclasses`,
    make: (number) => ({
      metadata: { name: `class-${number}`, labels },
      spec: { controller: 'example.com/controller' },
    }),
  }));
