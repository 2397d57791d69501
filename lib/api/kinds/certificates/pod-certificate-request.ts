/** PodCertificateRequest (KEP-4317): what a node asks a signer for in the name of one of its pods. */
import { constants, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import type {
  PodCertificateRequest,
  PodCertificateRequestSpec,
  PodCertificateRequestStatus,
} from '../../gen/types.ts';
import { validateConditions } from '../../validate/conditions.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, omitted, required, tooLong } from '../../validate/field-error.ts';
import { dns1123Subdomain, nameIsSubdomain, qualifiedName } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { isKubernetesSigner, validateSignerName } from '../../validate/signer.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';

const specPath = Path.of('spec');
const statusPath = Path.of('status');
const dayMs = 24 * 60 * 60 * 1000;
const hourMs = 60 * 60 * 1000;
const minSeconds = 3600;
const maxSeconds = 91 * 86_400;
const kubernetesMaxSeconds = 86_400;
const maxKeyBytes = 10 * 1024;
const maxRequestBytes = 10 * 1024;
const maxChainBytes = 100 * 1024;
const maxUidCharacters = 128;
/** Conditions after which nothing changes any more. */
const final = ['Issued', 'Denied', 'Failed'];

export const podCertificateRequestRules = rules<PodCertificateRequest>({
  namespaced: true,
  applyDefaults({ spec }) {
    spec.maxExpirationSeconds ??= 86_400;
  },
  prepareForCreate(request) {
    request.status = {};
  },
  prepareForUpdate: keepStatus,
  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(spec),
  ],
  validateUpdate: (request, old) => [
    ...validateObjectMetaUpdate(request.metadata, old.metadata),
    ...(sameValue(request.spec, old.spec)
      ? []
      : [invalidValue(specPath, request.spec, 'field is immutable')]),
  ],
  prepareForStatusUpdate: keepSpec,
  validateStatusUpdate(request, old) {
    const errors = validateObjectMetaUpdate(request.metadata, old.metadata);
    if (errors.length > 0) return errors;
    return validateStatus(request.status ?? {}, old.status ?? {}, old.spec);
  },
  generationChanged: (request, old) => !sameValue(request.spec, old.spec),
});

function validateSpec(spec: PodCertificateRequestSpec): FieldError[] {
  const { signerName, maxExpirationSeconds: seconds } = spec;
  const errors = validateSignerName(signerName, specPath.child('signerName'));
  for (const key of Object.keys(spec.unverifiedUserAnnotations ?? {})) {
    const at = specPath.child('unverifiedUserAnnotations');
    for (const message of qualifiedName(key.toLowerCase())) errors.push(invalidValue(at, key, message));
    if (!key.includes('/')) errors.push(invalidValue(at, key, 'must be domain-prefixed'));
  }
  for (const [name, uid] of [
    ['podName', 'podUID'],
    ['serviceAccountName', 'serviceAccountUID'],
    ['nodeName', 'nodeUID'],
  ] as const) {
    for (const message of dns1123Subdomain(spec[name])) {
      errors.push(invalidValue(specPath.child(name), spec[name], message));
    }
    if (spec[uid] === '') errors.push(invalidValue(specPath.child(uid), spec[uid], 'must not be empty'));
    if (spec[uid].length > maxUidCharacters) errors.push(tooLong(specPath.child(uid), maxUidCharacters));
  }
  const at = specPath.child('maxExpirationSeconds');
  if (seconds === undefined) return [...errors, required(at, 'must be set')];
  const most = isKubernetesSigner(signerName) ? kubernetesMaxSeconds : maxSeconds;
  if (seconds < minSeconds || seconds > most) {
    errors.push(invalidValue(at, seconds, `must be in the range [${minSeconds}, ${most}]`));
  }
  return [...errors, ...validateKey(spec)];
}

/** Either a public key with a proof that its private one is held, or a request that is signed with it. */
function validateKey(spec: PodCertificateRequestSpec): FieldError[] {
  const { pkixPublicKey = '', proofOfPossession = '', stubPKCS10Request = '', podUID } = spec;
  const keyPath = specPath.child('pkixPublicKey');
  const proofPath = specPath.child('proofOfPossession');
  const request = Buffer.from(stubPKCS10Request, 'base64');
  if (request.length > maxRequestBytes)
    return [tooLong(specPath.child('stubPKCS10Request'), maxRequestBytes)];
  if (pkixPublicKey === '' && request.length > 0) return [];
  const der = Buffer.from(pkixPublicKey, 'base64');
  const proof = Buffer.from(proofOfPossession, 'base64');
  if (der.length > maxKeyBytes) return [tooLong(keyPath, maxKeyBytes)];
  if (proof.length > maxKeyBytes) return [tooLong(proofPath, maxKeyBytes)];
  const key = publicKeyOf(der);
  if (!key) return [invalidValue(keyPath, pkixPublicKey, 'must be a valid PKIX-serialized public key')];
  const problem = keyProblem(key);
  if (problem) return [invalidValue(keyPath, problem.value ?? pkixPublicKey, problem.detail)];
  if (proves(key, podUID, proof)) return [];
  return [invalidValue(proofPath, omitted, 'could not verify proof-of-possession signature')];
}

function publicKeyOf(der: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    // What is wrong with it does not matter: it is none.
    return undefined;
  }
}

const curves = ['prime256v1', 'secp384r1', 'secp521r1'];

function keyProblem({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details = {},
}: KeyObject): { value?: string; detail: string } | undefined {
  if (type === 'ed25519') return undefined;
  if (type === 'ec') {
    const curve = details.namedCurve ?? '';
    if (curves.includes(curve)) return undefined;
    return { value: `curve ${curve}`, detail: 'elliptic public keys must use curve P256 or P384' };
  }
  if (type === 'rsa') {
    const bits = details.modulusLength ?? 0;
    if (bits === 3072 || bits === 4096) return undefined;
    return { value: `${bits}-bit modulus`, detail: 'RSA keys must have modulus size 3072 or 4096' };
  }
  return { detail: 'unknown public key type; supported types are Ed25519, ECDSA, and RSA' };
}

function proves(key: KeyObject, podUID: string, proof: Buffer): boolean {
  const data = Buffer.from(podUID);
  if (key.asymmetricKeyType === 'ed25519') return verify(null, data, key, proof);
  if (key.asymmetricKeyType === 'ec') return verify('sha256', data, key, proof);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return verify('sha256', data, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_AUTO }, proof);
}

const has = ({ conditions = [] }: PodCertificateRequestStatus, types: readonly string[]): boolean =>
  conditions.some(({ type, status }) => types.includes(type) && status === 'True');

function validateStatus(
  status: PodCertificateRequestStatus,
  old: PodCertificateRequestStatus,
  spec: PodCertificateRequestSpec,
): FieldError[] {
  const { conditions = [] } = status;
  const path = statusPath.child('conditions');
  const errors: FieldError[] = [];
  for (const [index, condition] of conditions.entries()) {
    if (!final.includes(condition.type)) {
      errors.push(notSupported(path.index(index).child('type'), condition.type, final));
      continue;
    }
    if (conditions.findIndex(({ type }) => final.includes(type)) < index) {
      const detail = 'There may be at most one condition with type "Issued", "Denied", or "Failed"';
      errors.push(invalidValue(path.index(index).child('type'), condition.type, detail));
    }
    if (condition.status !== 'True') {
      errors.push(notSupported(path.index(index).child('status'), condition.status, ['True']));
    }
  }
  errors.push(...validateConditions(conditions, path));
  if (errors.length > 0) return errors;
  if (has(old, final)) {
    if (sameValue(status, old)) return [];
    const detail = 'immutable after PodCertificateRequest is issued, denied, or failed';
    return [invalidValue(statusPath, status, detail)];
  }
  const { conditions: _, ...rest } = status;
  const isEmpty = Object.values(rest).every((value) => value === undefined || value === '');
  if (has(status, ['Denied', 'Failed'])) {
    const detail =
      'non-condition status fields must be empty when denying or failing the PodCertificateRequest';
    return isEmpty ? [] : [invalidValue(statusPath, status, detail)];
  }
  if (has(status, ['Issued'])) return validateIssued(status, spec);
  if (sameValue(status, old)) return [];
  const detail =
    'all status fields must be empty unless the PodCertificateRequest is issued, denied, or failed';
  return isEmpty && conditions.length === 0 ? [] : [invalidValue(statusPath, status, detail)];
}

function validateIssued(status: PodCertificateRequestStatus, spec: PodCertificateRequestSpec): FieldError[] {
  const { certificateChain = '' } = status;
  const path = statusPath.child('certificateChain');
  if (Buffer.byteLength(certificateChain) > maxChainBytes) return [tooLong(path, maxChainBytes)];
  const refuse = (detail: string) => [invalidValue(path, certificateChain, detail)];
  const blocks = [...certificateChain.matchAll(/-----BEGIN ([^\n-]*)-----[\s\S]*?-----END \1-----/g)];
  const [first] = blocks;
  if (!first) return refuse('issued certificate chain must contain at least one certificate');
  if (blocks.some(([, type]) => type !== 'CERTIFICATE')) {
    return refuse('issued certificate chain must consist entirely of CERTIFICATE PEM blocks');
  }
  const leaf = certificateOf(first[0]);
  if (!leaf) return refuse('leaf certificate does not parse as valid X.509');
  if (blocks.some(([text]) => !certificateOf(text))) {
    return refuse('intermediate certificate does not parse as valid X.509');
  }
  const wanted = publicKeyOf(Buffer.from(spec.pkixPublicKey ?? '', 'base64'));
  if (wanted && !wanted.equals(leaf.publicKey)) {
    return refuse('leaf certificate was not issued to the requested public key');
  }
  return validateTimes(status, spec, leaf);
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // What is wrong with it does not matter: it is none.
    return undefined;
  }
}

function validateTimes(
  status: PodCertificateRequestStatus,
  spec: PodCertificateRequestSpec,
  leaf: X509Certificate,
): FieldError[] {
  const fields = ['notBefore', 'notAfter', 'beginRefreshAt'] as const;
  const missing = fields.find((field) => !status[field]);
  if (missing)
    return [
      required(statusPath.child(missing), 'must be present and consistent with the issued certificate'),
    ];
  const [notBefore = 0, notAfter = 0, refresh = 0] = fields.map((field) => Date.parse(status[field] ?? ''));
  const refuse = (field: (typeof fields)[number], detail: string) => [
    invalidValue(statusPath.child(field), status[field], detail),
  ];
  const consistent = 'must be set to the same value that is encoded in the leaf certificate';
  if (notBefore !== leaf.validFromDate.getTime()) return refuse('notBefore', consistent);
  if (notAfter !== leaf.validToDate.getTime()) return refuse('notAfter', consistent);
  const lifetimeMs = notAfter - notBefore;
  if (lifetimeMs < hourMs) return refuse('notAfter', 'leaf certificate lifetime must be >= 1 hour');
  const most = spec.maxExpirationSeconds ?? dayMs / 1000;
  if (lifetimeMs > most * 1000) {
    return refuse('notAfter', `leaf certificate lifetime must be <= spec.maxExpirationSeconds (${most})`);
  }
  const tenMinutesMs = hourMs / 6;
  if (refresh < notBefore + tenMinutesMs) {
    return refuse('beginRefreshAt', 'must be at least 10 minutes after status.notBefore');
  }
  if (refresh > notAfter - tenMinutesMs) {
    return refuse('beginRefreshAt', 'must be at least 10 minutes before status.notAfter');
  }
  return [];
}
