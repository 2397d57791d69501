/** CertificateSigningRequest: who asked is written down by the server, and who approves and who signs do so apart. */
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../gen/types.ts';
import { rfc3339 } from '../../../clock.ts';
import { messageOf } from '../../../errors.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import {
  duplicate,
  fieldForbidden,
  invalidValue,
  notSupported,
  required,
} from '../../validate/field-error.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { quote } from '../../validate/quote.ts';
import { validateSignerName } from '../../validate/signer.ts';
import { keepStatus, rules, type WriteRequest } from '../rules.ts';
import { reader } from './reader.ts';
import { knownUsages } from './usages.ts';

const specPath = Path.of('spec');
const conditionsPath = Path.of('status', 'conditions');
const certificatePath = Path.of('status', 'certificate');
const minExpirationSeconds = 600;
const legacySigner = 'kubernetes.io/legacy-unknown';
/** Conditions that are there or not, never `False`, and never go away again. */
const lasting = ['Approved', 'Denied', 'Failed'];

export const certificateSigningRequestRules = rules<CertificateSigningRequest>({
  namespaced: false,
  allowUnconditionalUpdate: true,

  load: () => reader.load(),

  applyDefaults() {},

  prepareForCreate(request, { user }) {
    const { spec } = request;
    spec.username = user.username;
    delete spec.uid;
    delete spec.groups;
    delete spec.extra;
    if (user.uid) spec.uid = user.uid;
    if (user.groups.length > 0) spec.groups = [...user.groups];
    if (user.extra && Object.keys(user.extra).length > 0) spec.extra = structuredClone(user.extra);
    request.status = {};
  },

  prepareForUpdate(request, old) {
    request.spec = old.spec;
    keepStatus(request, old);
  },

  validateCreate: (request) => validate(request, undefined),
  validateUpdate: (request, old) => validateUpdate(request, old, 'object'),

  prepareForStatusUpdate(request, old, { now }) {
    request.spec = old.spec;
    stampConditions(request, old, now);
  },

  validateStatusUpdate: (request, old) => validateUpdate(request, old, 'status'),
});

/** For an update of `…/approval`: nothing but the conditions counts. */
export function prepareForApproval(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  { now }: Pick<WriteRequest, 'now'>,
): void {
  request.spec = old.spec;
  const { conditions } = request.status ?? {};
  request.status = { ...old.status };
  if (conditions === undefined) delete request.status.conditions;
  else request.status.conditions = conditions;
  stampConditions(request, old, now);
}

export function validateApproval(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
): FieldError[] {
  return validateUpdate(request, old, 'approval');
}

function conditionsOf(request: CertificateSigningRequest | undefined): CertificateSigningRequestCondition[] {
  return request?.status?.conditions ?? [];
}

function stampConditions(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  now: number,
): void {
  for (const condition of conditionsOf(request)) {
    condition.lastUpdateTime ||= rfc3339(now);
    if (condition.lastTransitionTime) continue;
    const before = conditionsOf(old).find(
      ({ type, status, lastTransitionTime }) =>
        type === condition.type && status === condition.status && lastTransitionTime,
    );
    condition.lastTransitionTime = before?.lastTransitionTime ?? rfc3339(now);
  }
}

/** What is wrong with the stored object already is not held against an update. */
function validate(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest | undefined,
): FieldError[] {
  const { metadata, spec } = request;
  const { usages = [], signerName, expirationSeconds } = spec;
  const errors = validateObjectMeta(metadata, { namespaced: false, nameRule: () => [] });
  const { checkCertificates, parseSigningRequest } = reader.get();
  const problem = problemOf(() => parseSigningRequest(decoded(spec.request)));
  if (problem) errors.push(invalidValue(specPath.child('request'), spec.request, problem));
  const usagesPath = specPath.child('usages');
  if (usages.length === 0) errors.push(required(usagesPath));
  const before = old?.spec.usages ?? [];
  if (before.every((usage) => knownUsages.includes(usage))) {
    for (const [index, usage] of usages.entries()) {
      if (!knownUsages.includes(usage))
        errors.push(notSupported(usagesPath.index(index), usage, knownUsages));
    }
  }
  if (new Set(before).size === before.length) {
    for (const [index, usage] of usages.entries()) {
      if (usages.indexOf(usage) < index) errors.push(duplicate(usagesPath.index(index), usage));
    }
  }
  const signerPath = specPath.child('signerName');
  if (signerName === legacySigner && old?.spec.signerName !== legacySigner) {
    const detail = 'the legacy signerName is not allowed via this API version';
    errors.push(invalidValue(signerPath, signerName, detail));
  } else errors.push(...validateSignerName(signerName, signerPath));
  if (expirationSeconds !== undefined && expirationSeconds < minExpirationSeconds) {
    const detail = `may not specify a duration less than ${minExpirationSeconds} seconds (10 minutes)`;
    errors.push(invalidValue(specPath.child('expirationSeconds'), expirationSeconds, detail));
  }
  errors.push(...validateConditions(request, old));
  const certificate = request.status?.certificate;
  if (certificate && certificate !== old?.status?.certificate) {
    const wrong = problemOf(() => checkCertificates(decoded(certificate)));
    if (wrong) errors.push(invalidValue(certificatePath, '<certificate data>', wrong));
  }
  return errors;
}

const decoded = (base64: string | undefined): string =>
  Buffer.from(base64 ?? '', 'base64').toString('latin1');

function problemOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function validateConditions(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const before = conditionsOf(old).map(({ type }) => type);
  const seen = new Set<string>();
  for (const [index, { type, status }] of conditionsOf(request).entries()) {
    const at = conditionsPath.index(index);
    if (!type && !before.includes('')) errors.push(required(at.child('type')));
    const allowed = lasting.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (!status) errors.push(required(at.child('status')));
    else if (!allowed.includes(status)) errors.push(notSupported(at.child('status'), status, allowed));
    const opposite = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined;
    if (opposite && seen.has(opposite) && !(before.includes('Approved') && before.includes('Denied'))) {
      const detail = 'Approved and Denied conditions are mutually exclusive';
      errors.push(invalidValue(conditionsPath, type, detail));
    }
    if (seen.has(type) && new Set(before).size === before.length) {
      errors.push(duplicate(at.child('type'), type));
    }
    seen.add(type);
  }
  return errors;
}

function validateUpdate(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  part: 'object' | 'status' | 'approval',
): FieldError[] {
  const errors = validate(request, old);
  for (const type of lasting) {
    const after = conditionsOf(request).filter((condition) => condition.type === type);
    const before = conditionsOf(old).filter((condition) => condition.type === type);
    const refuse = (verb: string) =>
      errors.push(
        fieldForbidden(conditionsPath, `updates may not ${verb} a condition of type ${quote(type)}`),
      );
    if (after.length < before.length) refuse('remove');
    else if (part === 'approval' || type === 'Failed') continue;
    else if (after.length > before.length) refuse('add');
    else if (!sameValue(after, before)) refuse('modify');
  }
  const before = old.status?.certificate ?? '';
  if ((request.status?.certificate ?? '') !== before) {
    if (part !== 'status')
      errors.push(fieldForbidden(certificatePath, 'updates may not set certificate content'));
    else if (before) {
      errors.push(fieldForbidden(certificatePath, 'updates may not modify existing certificate content'));
    }
  }
  return [...errors, ...validateObjectMetaUpdate(request.metadata, old.metadata)];
}
