/**
 * How a machine that joins comes to trust the API server before it tells it anything: by a hash of the authority's public
 * key (as `kubeadm join --discovery-token-ca-cert-hash`), looked for in the chain that the server shows, or by a kubeconfig.
 */
import { readFile } from 'node:fs/promises';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { parse } from 'yaml';
import { publicKeyHash } from '../../lib/certificates/sign.ts';
import { messageOf } from '../../lib/errors.ts';

export interface Discovered {
  server: string;
  /** PEM: who signs for the API server, and for those who call the node. */
  ca: string;
}

const handshakeTimeoutMs = 10_000;
/** Longer chains are nobody's. */
const maxChain = 10;

/** Nothing is sent before the authority is known to be the one of the hash. */
export async function discoverByHash(server: string, hashes: readonly string[]): Promise<Discovered> {
  const chain = await chainOf(new URL(server));
  const found = chain.map((certificate) => ({ certificate, hash: publicKeyHash(certificate) }));
  const ca = found.find(({ hash }) => hashes.includes(hash));
  if (!ca) {
    const shown = found.map(({ hash }) => hash).join(', ') || 'none';
    const wanted = hashes.join(', ');
    throw new Error(
      `the cluster CA found at ${server} does not match --discovery-token-ca-cert-hash: wanted ${wanted}, shown were ${shown}. It is another cluster, or somebody is in between.`,
    );
  }
  await chainOf(new URL(server), ca.certificate);
  return { server, ca: ca.certificate };
}

/** @param file a kubeconfig with a server and its authority, such as `cluster-info` holds */
export async function discoverByFile(file: string): Promise<Discovered> {
  const wrong = (field: string, problem: string) =>
    new Error(`--discovery-file: ${file}: ${field}: ${problem}`);
  let content: { clusters?: { cluster?: Record<string, unknown> }[] } | null;
  try {
    content = parse(await readFile(file, 'utf8')) as typeof content;
  } catch (error) {
    throw new Error(`--discovery-file: ${file}: ${messageOf(error)}`, { cause: error });
  }
  const { server, 'certificate-authority-data': data } = content?.clusters?.[0]?.cluster ?? {};
  if (typeof server !== 'string' || !URL.canParse(server) || new URL(server).protocol !== 'https:')
    throw wrong('clusters[0].cluster.server', `Invalid value: ${JSON.stringify(server)}: must be https`);
  const ca = Buffer.from(typeof data === 'string' ? data : '', 'base64').toString();
  if (!ca.includes('-----BEGIN CERTIFICATE-----'))
    throw wrong('clusters[0].cluster.certificate-authority-data', 'Required value');
  return { server, ca };
}

/** PEM of what the server shows, its own certificate first. @throws Error when the handshake fails; with `ca`: unless it signed */
async function chainOf(url: URL, ca?: string): Promise<string[]> {
  return await new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const port = Number(url.port || 443);
    const fail = (error: Error) => {
      socket.destroy();
      const reason = ca
        ? `${url.origin} is not who the cluster CA says: ${error.message}`
        : `nobody answers at ${url.origin}: ${error.message}`;
      reject(new Error(reason, { cause: error }));
    };
    // Without an authority nothing is sent but the handshake: what is shown is looked at, and the connection ended.
    const socket = connect({
      host,
      port,
      rejectUnauthorized: ca !== undefined,
      ...(ca && { ca }),
      minVersion: 'TLSv1.2',
    });
    socket.setTimeout(handshakeTimeoutMs, () =>
      fail(new Error(`no handshake within ${handshakeTimeoutMs} ms`)),
    );
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      const chain = certificatesOf(socket.getPeerCertificate(true));
      socket.destroy();
      resolve(chain);
    });
  });
}

function certificatesOf(first: DetailedPeerCertificate): string[] {
  const found = new Set<string>();
  // A self-signed certificate is its own issuer.
  for (let one = first; one?.raw && found.size < maxChain; one = one.issuerCertificate) {
    const pem = toPem(one.raw);
    if (found.has(pem)) break;
    found.add(pem);
  }
  return [...found];
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
