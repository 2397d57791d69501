/** Certificates of pods as containers find them (KEP-4317), from a signer that runs beside the tests. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PodCertificateProjection, PodSpec, Volume } from '../../../lib/api/gen/types.ts';
import { type CertifiedKey, createCa } from '../../../lib/certificates/index.ts';
import { clusterTrustBundles, podCertificateRequests, services } from '../../../lib/client/resources.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import { issuedFor, refusedWith } from '../../support/pod-signer.ts';
import { eventually } from '../../support/wait.ts';
import { image, isReady, namespace, type RealNode } from '../support/real-node.ts';

const signerName = 'conformance.test/spiffe';
const pathKey = 'spiffe/path-overriding';
const port = 8443;
const hourSeconds = 3600;

/** Answers every request of `signerName` until it is stopped: an identity (SPIFFE) by the pod's account, or the path it asks for. */
function startSigner(node: RealNode, ca: CertifiedKey): { stop: () => Promise<void>; problems: string[] } {
  const problems: string[] = [];
  let isStopped = false;
  const fieldSelector = `spec.signerName=${signerName}`;
  async function answerAll(): Promise<void> {
    const { items } = await node.client.list(podCertificateRequests, { fieldSelector });
    for (const request of items) {
      if (request.status?.conditions?.length) continue;
      const { maxExpirationSeconds = 0, serviceAccountName, unverifiedUserAnnotations = {} } = request.spec;
      const { [pathKey]: path, ...strange } = unverifiedUserAnnotations;
      const place = path ?? `/ns/${request.metadata.namespace}/sa/${serviceAccountName}`;
      const names = [{ type: 'url' as const, value: `spiffe://conformance.test${place}` }];
      const status =
        Object.keys(strange).length > 0
          ? refusedWith('Denied', 'UnknownAnnotations', Object.keys(strange).join())
          : await issuedFor(ca, request, { names, lifeSeconds: maxExpirationSeconds, now: Date.now() });
      const { name } = request.metadata;
      const patch = { type: 'merge' as const, patch: { status } };
      await node.client.patch(podCertificateRequests, { namespace, name }, patch, { subresource: 'status' });
    }
  }
  const running = (async () => {
    while (!isStopped) {
      await answerAll().catch((error: unknown) => {
        // Gone with its pod, or not now.
        if (isKind(error, 'NotFound', 'Conflict', 'Timeout', 'ServiceUnavailable')) return;
        problems.push(messageOf(error));
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })();
  return {
    problems,
    async stop() {
      isStopped = true;
      await running;
    },
  };
}

export function certificateMounts(node: RealNode): void {
  let signer: ReturnType<typeof startSigner>;

  beforeAll(async () => {
    const ca = await createCa({ commonName: 'spiffe', validityDays: 2, now: Date.now() });
    await node.client.create(clusterTrustBundles, {
      metadata: { name: 'conformance.test:spiffe:live' },
      spec: { signerName, trustBundle: ca.certificate },
    });
    signer = startSigner(node, ca);
  });
  afterAll(async () => {
    await signer?.stop();
    expect(signer?.problems ?? []).toEqual([]);
  });

  const volumeOf = (projection: Partial<PodCertificateProjection> = {}): Volume => ({
    name: 'tls',
    projected: {
      sources: [
        {
          podCertificate: {
            signerName,
            keyType: 'ECDSAP256',
            credentialBundlePath: 'credentials.pem',
            ...projection,
          },
        },
        { clusterTrustBundle: { signerName, labelSelector: {}, path: 'trust.pem' } },
      ],
    },
  });
  const volumeMounts = [{ name: 'tls', mountPath: '/run/tls' }];

  /** The certificate that a container finds. */
  async function mounted(projection: Partial<PodCertificateProjection> = {}): Promise<X509Certificate> {
    const script = 'cat /run/tls/credentials.pem';
    const printed = await node.outputOf({ script, volumeMounts }, { volumes: [volumeOf(projection)] });
    expect(printed).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    return new X509Certificate(printed.slice(printed.indexOf('-----BEGIN CERTIFICATE-----')));
  }
  const lifeOf = ({ validFromDate, validToDate }: X509Certificate) =>
    (validToDate.getTime() - validFromDate.getTime()) / 1000;

  test('Projected PodCertificate should issue certificate with default life time (24h) when MaxExpirationSeconds is not set', async () => {
    expect(lifeOf(await mounted())).toBe(24 * hourSeconds);
  });

  test('Projected PodCertificate should issue certificate with specified duration (1h) when MaxExpirationSeconds is set', async () => {
    expect(lifeOf(await mounted({ maxExpirationSeconds: hourSeconds }))).toBe(hourSeconds);
  });

  test('Projected PodCertificate should honor UserAnnotations for SPIFFE URI path', async () => {
    const { subjectAltName } = await mounted({ userAnnotations: { [pathKey]: '/custom-workload' } });
    expect(subjectAltName).toBe('URI:spiffe://conformance.test/custom-workload');
  });

  /** A container that runs this machine's Node.js, which needs its libraries. */
  function nodeProgram(script: string): PodSpec {
    const paths = { node: process.execPath, lib: '/lib', lib64: '/lib64', usr: '/usr/lib' };
    const places = { node: '/node', lib: '/lib', lib64: '/lib64', usr: '/usr/lib' };
    const mounts = Object.entries(places).map(([name, mountPath]) => ({ name, mountPath, readOnly: true }));
    const app = {
      name: 'app',
      image,
      command: ['/node', '-e', script],
      volumeMounts: [...volumeMounts, ...mounts],
    };
    const hostPaths = Object.entries(paths).map(([name, path]) => ({ name, hostPath: { path } }));
    return { containers: [app], volumes: [volumeOf(), ...hostPaths] };
  }
  const read = `
    const { connect, createServer } = require('node:tls');
    const file = (name) => require('node:fs').readFileSync('/run/tls/' + name);
    const own = { key: file('credentials.pem'), cert: file('credentials.pem'), ca: file('trust.pem') };`;
  const server = `${read}
    createServer({ ...own, requestCert: true, rejectUnauthorized: true }, (peer) => {
      peer.on('error', () => peer.destroy());
      peer.end('Client Identity: ' + peer.getPeerCertificate().subjectaltname);
    }).listen(${port});`;
  const client = `${read}
    const checkServerIdentity = (_, { subjectaltname }) =>
      subjectaltname.includes('URI:spiffe://conformance.test/') ? undefined : new Error(subjectaltname);
    (function again() {
      let answer = '';
      const socket = connect({ ...own, host: 'mtls.${namespace}.svc', port: ${port}, checkServerIdentity });
      socket.on('data', (data) => (answer += data));
      socket.on('error', ({ message }) => { console.log(message); setTimeout(again, 500); });
      socket.on('end', () => { console.log('Got: ' + answer); process.exit(); });
    })();`;

  test('Projected PodCertificate should allow server and client pods to establish an mTLS connection', async () => {
    const labels = { app: 'mtls' };
    await node.client.create(services, {
      metadata: { namespace, name: 'mtls' },
      spec: { selector: labels, ports: [{ port }] },
    });
    const serving = await node.create(nodeProgram(server), { name: 'mtls-server', labels });
    await node.until(serving, 'is ready', isReady);
    const calling = await node.create(nodeProgram(client), { name: 'mtls-client' });
    await eventually('the answer', async () => {
      const printed = await node.logs(calling);
      if (!printed.includes('Got: ')) throw new Error(printed);
      expect(printed).toContain(
        `Got: Client Identity: URI:spiffe://conformance.test/ns/${namespace}/sa/default`,
      );
      return true;
    });
    // Whoever has no certificate of the signer's is not let in.
    const stranger = client.replaceAll('{ ...own,', '{ ca: own.ca,');
    const refused = await node.create(nodeProgram(stranger), { name: 'mtls-stranger' });
    await eventually('the refusal', async () =>
      /alert|ECONNRESET|certificate required/.test(await node.logs(refused)),
    );
    expect(await node.logs(refused)).not.toContain('Client Identity');
  });
}
