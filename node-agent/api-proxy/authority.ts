/**
 * What pods know the API server by where that is API Gateway, which shows a certificate of a public authority and goes by a
 * name of its own: each node answers for it on the node itself, with a certificate of an authority that this node alone
 * has, and only its own pods trust. A stolen node key deceives nobody else's pods.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CertifiedKey, createCa, expiryOf, issueCertificate } from '../../lib/certificates/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { PodReferences } from '../pods/sources.ts';

const caValidityDays = 3650;
const leafValidityDays = 365;
const renewBeforeMs = 60 * 24 * 3_600_000;

export interface ProxyIdentity {
  ca: string;
  serving: CertifiedKey;
}

export interface ProxyNames {
  clusterDomain: string;
  /** Of the Service `kubernetes`, and where its endpoint is. */
  addresses: readonly string[];
}

/** The authority is kept below `dir`, so that pods go on trusting the agent's next start; certificates are made anew. */
export async function openProxyIdentity(
  dir: string,
  names: ProxyNames,
  clock: Clock,
): Promise<ProxyIdentity> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const now = clock.now();
  const kept = await readAuthority(dir);
  const isGood = kept && expiryOf(kept.certificate) - now > renewBeforeMs;
  const ca = isGood
    ? kept
    : await createCa({ commonName: 'kumulus-node-ca', validityDays: caValidityDays, now });
  if (!isGood) await keepAuthority(dir, ca);
  const service = 'kubernetes.default';
  const serving = await issueCertificate(ca, {
    subject: { commonName: 'kube-apiserver' },
    usages: ['server'],
    dnsNames: ['kubernetes', service, `${service}.svc`, `${service}.svc.${names.clusterDomain}`],
    ipAddresses: [...names.addresses],
    validityDays: leafValidityDays,
    now,
  });
  return { ca: ca.certificate, serving };
}

/** Key and certificate in one file: both are there, or neither. */
const fileName = 'authority.json';

async function readAuthority(dir: string): Promise<CertifiedKey | undefined> {
  try {
    const { certificate, key } = JSON.parse(
      await readFile(join(dir, fileName), 'utf8'),
    ) as Partial<CertifiedKey>;
    if (!certificate || !key) return undefined;
    new X509Certificate(certificate);
    return { certificate, key };
  } catch {
    // None yet, or none that can be read: a new one is as good, and pods are told of it.
    return undefined;
  }
}

async function keepAuthority(dir: string, ca: CertifiedKey): Promise<void> {
  const file = join(dir, fileName);
  await writeFile(`${file}.new`, JSON.stringify(ca), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The ConfigMap of every namespace that says whom to trust as the API server (`root-ca-certificate-publisher`). */
const rootCaName = 'kube-root-ca.crt';
const rootCaKey = 'ca.crt';

/** As the API has them, but that pods of this node trust its authority too. */
export function trustedByPods(inner: PodReferences, ca: string): PodReferences {
  return {
    ...inner,
    async configMap(namespace, name) {
      const found = await inner.configMap(namespace, name);
      const own = name === rootCaName ? found.data?.[rootCaKey] : undefined;
      if (own === undefined) return found;
      return { ...found, data: { ...found.data, [rootCaKey]: `${own.trimEnd()}\n${ca}` } };
    },
  };
}
