/** A whole API server over HTTPS on an embedded store, with a certificate authority of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthenticationOptions } from '../../functions/apiserver/authentication/index.ts';
import type { AuthorizationOptions } from '../../functions/apiserver/authorization/index.ts';
import { serveHttps } from '../../functions/apiserver/hosts/https.ts';
import type { AdmissionSettings } from '../../functions/apiserver/admission/settings.ts';
import { createApiServer } from '../../functions/apiserver/index.ts';
import type { TokenAuthenticator } from '../../functions/apiserver/pipeline/authentication.ts';
import type { AuditOptions } from '../../functions/apiserver/pipeline/audit.ts';
import type { ListMeta, ObjectMeta } from '../../lib/api/gen/types.ts';
import {
  type CertifiedKey,
  createCa,
  createSigningKey,
  issueCertificate,
} from '../../lib/certificates/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger, type Logger } from '../../lib/log.ts';
import { openEmbeddedStore } from '../../lib/store/embedded/index.ts';
import { type Encryption, encryptedStore } from '../../lib/store/encryption/index.ts';
import { kubectlFor } from './kubectl.ts';

/** As much of the shape of answers as the tests look at. */
export interface Json {
  type?: string;
  kind?: string;
  apiVersion?: string;
  reason?: string;
  message?: string;
  code?: number;
  metadata?: ObjectMeta & ListMeta;
  data?: Record<string, string>;
  spec?: {
    replicas?: number;
    clusterIP?: string;
    clusterIPs?: string[];
    ports?: { nodePort?: number }[];
    containers?: object[];
    tolerations?: object[];
    volumes?: { name: string }[];
    serviceAccountName?: string;
    parentRef?: object;
  };
  /** Of a Status a string, of other objects what has been observed. */
  status?: string & { phase?: string; token?: string; conditions?: object[]; allowed?: boolean };
  items?: Json[];
  rows?: Json[];
  details?: object;
  object?: Json;
  columnDefinitions?: object[] | null;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Json;
}

export interface Call {
  /** An object is sent as JSON. */
  body?: unknown;
  headers?: Record<string, string | string[]>;
  /** Another client certificate than the administrator's; null for none. */
  as?: CertifiedKey | null;
}

export type TestServer = Awaited<ReturnType<typeof startServer>>;

export async function startServer(
  options: {
    dir?: string;
    serviceCidr?: string;
    nodePortRange?: string;
    audit?: AuditOptions;
    authentication?: AuthenticationOptions;
    authorization?: AuthorizationOptions;
    /** Asked before those of its own. */
    authenticators?: TokenAuthenticator[];
    /** PEM. Default: one of its own. */
    signingKey?: string;
    verificationKeys?: readonly string[];
    log?: Logger;
    admission?: AdmissionSettings;
    /** Default: nothing is encrypted. */
    encryption?: Encryption;
  } = {},
) {
  const now = Date.now();
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'kumulus-api-'));
  const ca = await createCa({ commonName: 'test-ca', validityDays: 1, now });
  const client = (commonName: string, ...organizations: string[]) =>
    issueCertificate(ca, {
      subject: { commonName, organizations },
      usages: ['client'],
      validityDays: 1,
      now,
    });
  const admin = await client('kubernetes-admin', 'system:masters');
  const nodeServer = await issueCertificate(ca, {
    subject: { commonName: 'node' },
    usages: ['server'],
    ipAddresses: ['127.0.0.1'],
    validityDays: 1,
    now,
  });
  const serving = await issueCertificate(ca, {
    subject: { commonName: 'kube-apiserver' },
    usages: ['server'],
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    validityDays: 1,
    now,
  });
  const log = options.log ?? createLogger('test', 'error');
  const signingKey = options.signingKey ?? (await createSigningKey());
  const store = await openEmbeddedStore({ dir: join(dir, 'store'), clock: systemClock, log });
  const api = await createApiServer({
    store: options.encryption ? encryptedStore(store, options.encryption) : store,
    clock: systemClock,
    log,
    serviceCidr: options.serviceCidr ?? '10.96.0.0/16',
    nodePortRange: options.nodePortRange ?? '30000-32767',
    advertise: { address: '10.0.0.1', port: 6443 },
    serviceAccounts: {
      issuer: 'https://kubernetes.default.svc',
      signingKey,
      ...(options.verificationKeys && { verificationKeys: options.verificationKeys }),
    },
    ...(options.authentication && { authentication: options.authentication }),
    clusterCa: ca.certificate,
    nodeClient: admin,
    ...(options.audit && { audit: options.audit }),
    ...(options.authenticators && { authenticators: options.authenticators }),
    ...(options.authorization && { authorization: options.authorization }),
    ...(options.admission && { admission: options.admission }),
  });
  const host = await serveHttps({
    handle: api.handle,
    tls: { cert: serving.certificate, key: serving.key, clientCa: ca.certificate },
    nodeTls: { ca: ca.certificate, cert: admin.certificate, key: admin.key },
    host: '127.0.0.1',
    port: 0,
    log,
  });

  const open = (method: string, path: string, { body, headers = {}, as = admin }: Call = {}) => {
    const bytes =
      body === undefined
        ? undefined
        : Buffer.from(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));
    const outgoing = httpsRequest({
      host: '127.0.0.1',
      port: host.port,
      path,
      method,
      ca: ca.certificate,
      ...(as && { cert: as.certificate, key: as.key }),
      headers: {
        ...(bytes && { 'content-type': 'application/json', 'content-length': bytes.byteLength }),
        ...headers,
      },
      agent: false,
    });
    outgoing.end(bytes);
    return outgoing;
  };
  const call = (method: string, path: string, options: Call = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const outgoing = open(method, path, options);
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString();
          let json: Json = {};
          if (response.headers['content-type']?.startsWith('application/json') && !text.includes('}\n{')) {
            json = (text ? JSON.parse(text) : {}) as Json;
          }
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
      });
    });
  const kubeconfig = join(dir, 'kubeconfig');
  const b64 = (text: string) => Buffer.from(text).toString('base64');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'test',
          cluster: {
            server: `https://127.0.0.1:${host.port}`,
            'certificate-authority-data': b64(ca.certificate),
          },
        },
      ],
      users: [
        {
          name: 'admin',
          user: { 'client-certificate-data': b64(admin.certificate), 'client-key-data': b64(admin.key) },
        },
      ],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
      'current-context': 'test',
    }),
  );
  return {
    port: host.port,
    dir,
    ca,
    store,
    client,
    handle: api.handle,
    signingKey,
    nodeServer,
    call,
    open,
    kubeconfig,
    kubectl: kubectlFor(kubeconfig),
    get: (path: string, options?: Call) => call('GET', path, options),
    post: (path: string, body: unknown, options?: Call) => call('POST', path, { body, ...options }),
    put: (path: string, body: unknown, options?: Call) => call('PUT', path, { body, ...options }),
    delete: (path: string, body?: unknown, options?: Call) => call('DELETE', path, { body, ...options }),
    patch: (path: string, type: string, body: unknown, options: Call = {}) =>
      call('PATCH', path, { body, ...options, headers: { 'content-type': type, ...options.headers } }),
    /** Keeps the directory, so that the next one starts from it. */
    async stop() {
      await host.close();
      await api.close();
      await store.close();
    },
    async close() {
      await host.close();
      await api.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
