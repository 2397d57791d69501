/** The answer to a PodCertificateRequest: issued with its chain and times, denied or failed; once, and for good. */
import type {
  PodCertificateRequest,
  PodCertificateRequestSpec,
  PodCertificateRequestStatus,
} from '../../../gen/types.ts';
import { rfc3339 } from '../../../../clock.ts';
import { validateConditions } from '../../../validate/conditions.ts';
import { sameValue } from '../../../validate/equal.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { invalidValue, notSupported } from '../../../validate/field-error.ts';
import { Path } from '../../../validate/path.ts';
import type { WriteRequest } from '../../rules.ts';
import { keepSpecAndMetadata } from '../../status-metadata.ts';
import { validateIssued } from './issued.ts';

const statusPath = Path.of('status');
/** Conditions after which nothing changes any more. */
const final = ['Issued', 'Denied', 'Failed'];

/** Conditions that were there stay as they were; new ones say when they came. */
export function prepareStatus(
  request: PodCertificateRequest,
  old: PodCertificateRequest,
  { now }: Pick<WriteRequest, 'now'>,
): void {
  keepSpecAndMetadata(request, old);
  const conditions = request.status?.conditions ?? [];
  const before = old.status?.conditions ?? [];
  for (const type of final) {
    const held = before.filter((one) => one.type === type);
    const places = conditions.flatMap((one, index) => (one.type === type ? [index] : []));
    if (held.length !== places.length) continue;
    for (const [nth, index] of places.entries()) {
      const kept = held[nth];
      if (kept) conditions[index] = kept;
    }
  }
  for (const condition of conditions) condition.lastTransitionTime ||= rfc3339(now);
}

const has = ({ conditions = [] }: PodCertificateRequestStatus, types: readonly string[]): boolean =>
  conditions.some(({ type, status }) => types.includes(type) && status === 'True');

/** @param now milliseconds since the epoch */
export function validateStatus(
  status: PodCertificateRequestStatus,
  old: PodCertificateRequestStatus,
  spec: PodCertificateRequestSpec,
  now: number,
): FieldError[] {
  const errors = validateAnswers(status);
  if (errors.length > 0) return errors;
  if (has(old, final)) {
    const detail = 'immutable after PodCertificateRequest is issued, denied, or failed';
    return sameValue(status, old) ? [] : [invalidValue(statusPath, status, detail)];
  }
  if (has(status, ['Denied', 'Failed'])) {
    const { conditions: _, ...rest } = status;
    const detail =
      'non-condition status fields must be empty when denying or failing the PodCertificateRequest';
    const isEmpty = Object.values(rest).every((value) => value === undefined || value === '');
    return isEmpty ? [] : [invalidValue(statusPath, status, detail)];
  }
  if (has(status, ['Issued'])) return validateIssued(status, spec, now);
  const detail = 'status is immutable unless transitioning to "Issued", "Denied", or "Failed"';
  return sameValue(status, old) ? [] : [invalidValue(statusPath, status, detail)];
}

function validateAnswers({ conditions = [] }: PodCertificateRequestStatus): FieldError[] {
  const path = statusPath.child('conditions');
  const errors: FieldError[] = [];
  for (const [index, { type, status }] of conditions.entries()) {
    if (!final.includes(type)) {
      errors.push(notSupported(path.index(index).child('type'), type, final));
      continue;
    }
    if (conditions.findIndex((one) => final.includes(one.type)) < index) {
      const detail = 'There may be at most one condition with type "Issued", "Denied", or "Failed"';
      errors.push(invalidValue(path.index(index).child('type'), type, detail));
    }
    if (status !== 'True') errors.push(notSupported(path.index(index).child('status'), status, ['True']));
  }
  return [...errors, ...validateConditions(conditions, path)];
}
