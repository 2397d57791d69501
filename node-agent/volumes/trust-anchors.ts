/** What a `clusterTrustBundle` source of a projected volume holds (KEP-3257). */
import type { ClusterTrustBundleProjection } from '../../lib/api/gen/types.ts';
import { matchesLabels, selectorFromObject } from '../../lib/api/selectors/index.ts';
import { pemBlocks } from '../../lib/certificates/pem.ts';
import { isKind, KumulusError } from '../../lib/errors.ts';
import type { PodReferences } from '../pods/sources.ts';

/**
 * PEM of the anchors of one bundle, or of all those of a signer that the selector selects, each anchor once and without
 * what bundles say beside them. Their order means nothing; it is the same each time, so that the file changes with the
 * anchors alone.
 *
 * @throws KumulusError NotFound where nothing is there and the source is not optional
 */
export async function trustAnchors(
  { name, signerName, labelSelector, optional = false }: ClusterTrustBundleProjection,
  references: Pick<PodReferences, 'trustBundle' | 'trustBundles'>,
): Promise<string> {
  const texts =
    name === undefined
      ? await ofSigner(signerName ?? '', labelSelector, optional, references)
      : await ofName(name, optional, references);
  return normalized(texts);
}

async function ofName(
  name: string,
  optional: boolean,
  references: Pick<PodReferences, 'trustBundle'>,
): Promise<string[]> {
  try {
    return [(await references.trustBundle(name)).spec.trustBundle];
  } catch (error) {
    if (optional && isKind(error, 'NotFound')) return [];
    throw error;
  }
}

async function ofSigner(
  signerName: string,
  labelSelector: ClusterTrustBundleProjection['labelSelector'],
  optional: boolean,
  references: Pick<PodReferences, 'trustBundles'>,
): Promise<string[]> {
  const selector = selectorFromObject(labelSelector);
  const found = (await references.trustBundles(signerName)).filter(({ metadata }) =>
    matchesLabels(selector, metadata.labels),
  );
  if (found.length === 0 && !optional) {
    throw new KumulusError(
      'NotFound',
      'combination of signerName and labelSelector matched zero ClusterTrustBundles',
    );
  }
  return found.map(({ spec }) => spec.trustBundle);
}

const pemLine = /.{1,64}/g;

function normalized(texts: readonly string[]): string {
  const bodies = texts.flatMap((text) =>
    pemBlocks(text)
      .filter(({ type }) => type === 'CERTIFICATE')
      .map(({ body }) => Buffer.from(body, 'base64').toString('base64')),
  );
  return [...new Set(bodies)]
    .sort()
    .map(
      (body) =>
        `-----BEGIN CERTIFICATE-----\n${(body.match(pemLine) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`,
    )
    .join('');
}
