/** The files of a `podCertificate` source of a projected volume (KEP-4317). */
import type { Pod } from '../../lib/api/gen/types.ts';
import { NotIssuedYet, type PodCertificates } from '../pod-certificates/index.ts';

export interface CertificatePlace {
  volume: string;
  /** Of the source in the volume. */
  index: number;
  /** What a file of the volume holds now; undefined where there is none. */
  held: (path: string) => Promise<Uint8Array | undefined>;
}

/**
 * By path. As long as the signer has not answered, what the volume holds from before the agent's last start stays.
 * @throws Error that says why there is no certificate
 */
export async function certificateFiles(
  pod: Pod,
  { volume, index, held }: CertificatePlace,
  certificates: PodCertificates,
): Promise<Map<string, Uint8Array>> {
  const { credentialBundlePath, keyPath, certificateChainPath } =
    pod.spec.volumes?.find(({ name }) => name === volume)?.projected?.sources?.[index]?.podCertificate ?? {};
  try {
    const { key, chain } = certificates.credentials(pod, volume, index);
    return new Map(
      [
        [credentialBundlePath, key + chain] as const,
        [keyPath, key] as const,
        [certificateChainPath, chain] as const,
      ].flatMap(([path, text]) => (path ? [[path, Buffer.from(text)]] : [])),
    );
  } catch (error) {
    if (!(error instanceof NotIssuedYet)) throw error;
    const files = new Map<string, Uint8Array>();
    for (const path of [credentialBundlePath, keyPath, certificateChainPath]) {
      if (!path) continue;
      const content = await held(path);
      if (!content) throw error;
      files.set(path, content);
    }
    return files;
  }
}
