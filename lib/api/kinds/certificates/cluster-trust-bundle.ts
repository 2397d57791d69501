/** ClusterTrustBundle (KEP-3257): trust anchors of a signer, or of nobody in particular. */
import { X509Certificate } from 'node:crypto';
import { pemBlocks } from '../../../certificates/pem.ts';
import type { ClusterTrustBundle } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, tooLong } from '../../validate/field-error.ts';
import { dns1123Subdomain, type NameRule } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { validateSignerName } from '../../validate/signer.ts';
import { rules } from '../rules.ts';

const maxBundleBytes = 1024 * 1024;
const bundlePath = Path.of('spec', 'trustBundle');
const signerPath = Path.of('spec', 'signerName');

export const clusterTrustBundleRules = rules<ClusterTrustBundle>({
  namespaced: false,
  applyDefaults() {},
  validateCreate: (bundle) => [...validateHead(bundle), ...validateAnchors(bundle.spec.trustBundle)],
  validateUpdate: (bundle, old) => [
    ...validateHead(bundle),
    ...(bundle.spec.trustBundle === old.spec.trustBundle ? [] : validateAnchors(bundle.spec.trustBundle)),
    ...validateObjectMetaUpdate(bundle.metadata, old.metadata),
    ...((bundle.spec.signerName ?? '') === (old.spec.signerName ?? '')
      ? []
      : [invalidValue(signerPath, bundle.spec.signerName ?? '', 'field is immutable')]),
  ],
});

/** Names of a signer's bundles begin with the signer's: `example.com/foo` has `example.com:foo:anything`. */
function nameRule(signerName: string): NameRule {
  if (signerName === '') {
    return (name, isPrefix) =>
      name.includes(':')
        ? ['ClusterTrustBundle without signer name must not have ":" in its name']
        : dns1123Subdomain(isPrefix ? name.replace(/-$/, 'a') : name);
  }
  const prefix = `${signerName.replaceAll('/', ':')}:`;
  return (name, isPrefix) => {
    if (!name.startsWith(prefix)) {
      return [`ClusterTrustBundle for signerName ${signerName} must be named with prefix ${prefix}`];
    }
    const own = name.slice(prefix.length);
    return dns1123Subdomain(isPrefix ? own.replace(/-$/, 'a') : own);
  };
}

function validateHead({ metadata, spec }: ClusterTrustBundle): FieldError[] {
  const { signerName = '' } = spec;
  return [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameRule(signerName) }),
    ...(signerName ? validateSignerName(signerName, signerPath) : []),
  ];
}

function validateAnchors(text: string): FieldError[] {
  if (Buffer.byteLength(text) > maxBundleBytes) return [tooLong(bundlePath, maxBundleBytes)];
  const refuse = (detail: string) => invalidValue(bundlePath, '<value omitted>', detail);
  const errors: FieldError[] = [];
  const places = new Map<string, number[]>();
  for (const [index, { type, headers, body }] of pemBlocks(text).entries()) {
    const problem = type === 'CERTIFICATE' ? anchorProblem(headers, body) : `has bad block type: ${type}`;
    if (problem) errors.push(refuse(`entry ${index} ${problem}`));
    else {
      const key = Buffer.from(body, 'base64').toString('base64');
      places.set(key, [...(places.get(key) ?? []), index]);
    }
  }
  if (errors.length > 0) return errors;
  if (places.size === 0) return [refuse('at least one trust anchor must be provided')];
  return [...places.values()]
    .filter((indices) => indices.length > 1)
    .map((indices) => refuse(`duplicate trust anchor (indices [${indices.join(' ')}])`));
}

function anchorProblem(headers: string, body: string): string | undefined {
  if (headers !== '') return 'has PEM block headers';
  try {
    const certificate = new X509Certificate(Buffer.from(body, 'base64'));
    return certificate.ca ? undefined : 'does not have the CA bit set';
  } catch {
    return 'does not parse as X.509';
  }
}
