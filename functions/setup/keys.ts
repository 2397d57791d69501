import { randomBytes, X509Certificate } from 'node:crypto';
import { DeleteParametersCommand, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { createCa, createSigningKey, expiryOf, issueCertificate } from '../../lib/certificates/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { keyNames, readKeyParameters } from '../lambda/keys.ts';

const caValidityDays = 3650;
const leafValidityDays = 365;
const renewBeforeMs = 60 * 24 * 60 * 60 * 1000;

/**
 * Makes the keys that are missing below `path`, and the node client's certificate again when it is about to end or is of
 * another authority. Keys that are there stay. Resolves with the authority's certificate.
 */
export async function ensureKeys(ssm: SSMClient, path: string, clock: Clock): Promise<string> {
  const found = await readKeyParameters(ssm, path);
  const now = clock.now();
  const put = (name: string, value: string, isNew: boolean) =>
    ssm.send(
      new PutParameterCommand({
        Name: `${path}/${name}`,
        Value: value,
        Type: 'SecureString',
        Overwrite: !isNew,
      }),
    );

  let ca = pair(found, keyNames.caCertificate, keyNames.caKey);
  if (!ca) {
    ca = await createCa({ commonName: 'kumulus-ca', validityDays: caValidityDays, now });
    await put(keyNames.caKey, ca.key, !found.has(keyNames.caKey));
    await put(keyNames.caCertificate, ca.certificate, true);
  }
  const client = pair(found, keyNames.nodeClientCertificate, keyNames.nodeClientKey);
  if (!client || !isGood(client.certificate, ca.certificate, now)) {
    const issued = await issueCertificate(ca, {
      subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] },
      usages: ['client'],
      validityDays: leafValidityDays,
      now,
    });
    await put(keyNames.nodeClientKey, issued.key, !found.has(keyNames.nodeClientKey));
    await put(keyNames.nodeClientCertificate, issued.certificate, !found.has(keyNames.nodeClientCertificate));
  }
  if (!found.has(keyNames.serviceAccountKey))
    await put(keyNames.serviceAccountKey, await createSigningKey(), true);
  if (!found.has(keyNames.secretsKey))
    await put(keyNames.secretsKey, randomBytes(32).toString('base64'), true);
  return ca.certificate;
}

/** All of them: whatever is left of the cluster, its Secrets cannot be read any more. */
export async function deleteKeys(ssm: SSMClient, path: string): Promise<void> {
  const names = Object.values(keyNames).map((name) => `${path}/${name}`);
  await ssm.send(new DeleteParametersCommand({ Names: names }));
}

/** Both or neither: a setup that was cut short between the two left one of no use. */
function pair(found: ReadonlyMap<string, string>, certificateName: string, keyName: string) {
  const certificate = found.get(certificateName);
  const key = found.get(keyName);
  return certificate && key ? { certificate, key } : undefined;
}

function isGood(certificate: string, ca: string, nowMs: number): boolean {
  return (
    expiryOf(certificate) - nowMs > renewBeforeMs &&
    new X509Certificate(certificate).verify(new X509Certificate(ca).publicKey)
  );
}
