/** Cluster trust bundles as containers find them (KEP-3257). */
import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import type { ClusterTrustBundleProjection, PodSpec } from '../../../lib/api/gen/types.ts';
import { createCa } from '../../../lib/certificates/index.ts';
import { clusterTrustBundles } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { image, namespace, type RealNode } from '../support/real-node.ts';

const signerName = 'conformance.test/anchors';
const many = 'conformance.test/many';
/** More than a hundred, as the behaviour says. */
const manyCount = 105;

export function trustBundleMounts(node: RealNode): void {
  const anchors = new Map<string, string>();
  const anchorOf = (name: string) => anchors.get(name) ?? '';

  async function publish(name: string, signer?: string, labels: Record<string, string> = {}): Promise<void> {
    const { certificate } = await createCa({ commonName: name, validityDays: 1, now: Date.now() });
    anchors.set(name, certificate);
    const full = signer ? `${signer.replace('/', ':')}:${name}` : name;
    await node.client.create(clusterTrustBundles, {
      metadata: { name: full, labels },
      spec: { trustBundle: certificate, ...(signer && { signerName: signer }) },
    });
  }

  beforeAll(async () => {
    await publish('nobodys');
    await publish('live-1', signerName, { stage: 'live' });
    await publish('live-2', signerName, { stage: 'live' });
    await publish('dead', signerName, { stage: 'dead' });
    for (let number = 0; number < manyCount; number++) await publish(`many-${number}`, many);
  });

  const volumesOf = (projections: Record<string, Omit<ClusterTrustBundleProjection, 'path'>>) =>
    Object.entries(projections).map(([name, projection]) => ({
      name,
      projected: { sources: [{ clusterTrustBundle: { path: 'anchors.pem', ...projection } }] },
    }));
  const mountsOf = (names: string[]) => names.map((name) => ({ name, mountPath: `/${name}` }));

  /** The names of the anchors in each volume, sorted. */
  async function mounted(
    projections: Record<string, Omit<ClusterTrustBundleProjection, 'path'>>,
  ): Promise<string[][]> {
    const names = Object.keys(projections);
    const script = names.map((name) => `cat /${name}/anchors.pem && echo %`).join(' && ');
    const printed = await node.outputOf(
      { script, volumeMounts: mountsOf(names) },
      { volumes: volumesOf(projections) },
    );
    const files = printed.split('%').slice(0, -1);
    return files.map((text) =>
      (text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [])
        .map((pem) => new X509Certificate(pem).subject.replace(/^.*CN=/s, ''))
        .sort(),
    );
  }

  /** Told of by an event, and not started. */
  async function held(projection: Omit<ClusterTrustBundleProjection, 'path'>, why: string): Promise<void> {
    const volumes = volumesOf({ anchors: projection });
    const app = { name: 'app', image, command: ['true'], volumeMounts: mountsOf(['anchors']) };
    const spec: PodSpec = { containers: [app], volumes };
    const name = await node.create(spec, { name: 'held' });
    await eventually('the event', async () => {
      const told = await node.cluster.kubectl(
        `get events --field-selector involvedObject.name=${name},reason=FailedMount -o jsonpath={.items[*].message}`,
      );
      return told.includes(why);
    });
    const pod = await node.until(name, 'its status', ({ status }) => status?.containerStatuses);
    expect(pod.status?.phase).toBe('Pending');
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting).toBeDefined();
    await node.cluster.kubectl(`delete pod ${name} -n ${namespace} --grace-period=0 --force`);
  }

  test('ClusterTrustBundle should be able to mount a single ClusterTrustBundle by name', async () => {
    const script = 'cat /anchors/anchors.pem';
    const printed = await node.outputOf(
      { script, volumeMounts: mountsOf(['anchors']) },
      { volumes: volumesOf({ anchors: { name: 'nobodys' } }) },
    );
    expect(printed).toBe(anchorOf('nobodys').trim());
  });

  test('ClusterTrustBundle can combine all signer CTBs with an empty label selector', async () => {
    expect(await mounted({ anchors: { signerName, labelSelector: {} } })).toEqual([
      ['dead', 'live-1', 'live-2'],
    ]);
  });

  test('ClusterTrustBundle can combine multiple CTBs with signer name and label selector', async () => {
    const labelSelector = { matchLabels: { stage: 'live' } };
    expect(await mounted({ anchors: { signerName, labelSelector } })).toEqual([['live-1', 'live-2']]);
  });

  test('ClusterTrustBundle should be able to specify multiple CTB volumes', async () => {
    const dead = { signerName, labelSelector: { matchLabels: { stage: 'dead' } } };
    expect(await mounted({ named: { name: 'nobodys' }, selected: dead })).toEqual([['nobodys'], ['dead']]);
  });

  test('ClusterTrustBundle should be able to mount a big number (>100) of CTBs', async () => {
    const [names = []] = await mounted({ anchors: { signerName: many, labelSelector: {} } });
    expect(names).toHaveLength(manyCount);
    expect(new Set(names).size).toBe(manyCount);
  });

  test('ClusterTrustBundle should start if only signer name and nil label selector + optional=true', async () => {
    expect(await mounted({ anchors: { signerName, optional: true } })).toEqual([[]]);
  });

  test('ClusterTrustBundle should start if only signer name and explicit label selector matches nothing + optional=true', async () => {
    const labelSelector = { matchLabels: { stage: 'none' } };
    expect(await mounted({ anchors: { signerName, labelSelector, optional: true } })).toEqual([[]]);
  });

  test('ClusterTrustBundle should prevent a pod from starting if: sets optional=false and no trust bundle matches query', () =>
    held(
      { signerName, labelSelector: { matchLabels: { stage: 'none' } }, optional: false },
      'combination of signerName and labelSelector matched zero ClusterTrustBundles',
    ));

  test('ClusterTrustBundle should prevent a pod from starting if: sets optional=false and the configured CTB does not exist', () =>
    held({ name: 'does-not-exist', optional: false }, 'clustertrustbundle "does-not-exist" not found'));
}
