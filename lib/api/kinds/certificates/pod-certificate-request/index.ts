/** PodCertificateRequest (KEP-4317): what a node asks a signer for in the name of one of its pods. */
import type { PodCertificateRequest, PodCertificateRequestSpec } from '../../../gen/types.ts';
import { sameValue } from '../../../validate/equal.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { invalidValue, required, tooLong } from '../../../validate/field-error.ts';
import { dns1123Subdomain, nameIsSubdomain } from '../../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../../validate/object-meta.ts';
import { Path } from '../../../validate/path.ts';
import { isKubernetesSigner, validateSignerName } from '../../../validate/signer.ts';
import { validateUserAnnotations } from '../../../validate/user-annotations.ts';
import { keepStatus, rules } from '../../rules.ts';
import { reader } from '../reader.ts';
import { validateStub } from './stub.ts';
import { prepareStatus, validateStatus } from './status.ts';

const specPath = Path.of('spec');
const minSeconds = 3600;
const maxSeconds = 91 * 86_400;
const kubernetesMaxSeconds = 86_400;
const maxUidCharacters = 128;

export const podCertificateRequestRules = rules<PodCertificateRequest>({
  namespaced: true,
  load: () => reader.load(),
  applyDefaults({ spec }) {
    spec.maxExpirationSeconds ??= kubernetesMaxSeconds;
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
  prepareForStatusUpdate: prepareStatus,
  validateStatusUpdate(request, old, { now }) {
    const errors = validateObjectMetaUpdate(request.metadata, old.metadata);
    if (errors.length > 0) return errors;
    return validateStatus(request.status ?? {}, old.status ?? {}, old.spec, now);
  },
  generationChanged: (request, old) => !sameValue(request.spec, old.spec),
});

function validateSpec(spec: PodCertificateRequestSpec): FieldError[] {
  const { signerName, maxExpirationSeconds: seconds, unverifiedUserAnnotations: annotations } = spec;
  const errors = validateSignerName(signerName, specPath.child('signerName'));
  errors.push(...validateUserAnnotations(annotations, specPath.child('unverifiedUserAnnotations')));
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
  return [...errors, ...validateStub(spec.stubPKCS10Request)];
}
