/** The token of `metadata.continue` (API concepts, "Retrieving large results sets in chunks"). Opaque to clients. */
import { badRequest, expired } from '../../../../lib/api/status.ts';
import { KumulusError } from '../../../../lib/errors.ts';

/** A place in a list: the snapshot's revision (-1: whatever is newest) and the last key that was sent. */
export interface Continue {
  revision: number;
  after: string;
}

const version = 'meta.k8s.io/v1';

const inconsistent =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** @param base What all keys of the list begin with; the token does not hold it, so that it cannot leave it. */
export function writeContinue({ revision, after }: Continue, base: string): string {
  const start = `${after.slice(base.length)}\0`;
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start })).toString('base64url');
}

/** @throws KumulusError BadRequest in kube-apiserver's words */
export function readContinue(token: string, base: string): Continue {
  const { v, rv, start } = parse(token);
  if (v !== version) {
    throw refuse(`server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`);
  }
  if (rv === undefined || rv === 0) {
    throw refuse(`incorrect encoded start resourceVersion (version ${version})`);
  }
  if (start === undefined || start === '') throw refuse(`encoded start key empty (version ${version})`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || typeof start !== 'string') {
    throw refuse('json: cannot unmarshal value into Go struct field continueToken');
  }
  const key = start.replace(/^\//, '').replace(/\0$/, '');
  if (key.split('/').some((step) => step === '' || step === '.' || step === '..')) throw refuse(start);
  return { revision: rv, after: base + key };
}

function parse(token: string): { v?: unknown; rv?: unknown; start?: unknown } {
  const bad = /[^A-Za-z0-9_-]/.exec(token)?.index ?? (token.length % 4 === 1 ? token.length - 1 : undefined);
  if (bad !== undefined) throw refuse(`illegal base64 data at input byte ${bad}`);
  try {
    const value = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw refuse('it does not hold a JSON object');
}

function refuse(reason: string): KumulusError {
  return badRequest(`invalid continue token: continue key is not valid: ${reason}`);
}

/** 410, with a token that goes on from the same place in whatever is newest. */
export function expiredContinue(place: Continue, base: string): KumulusError {
  const { kind, message } = expired(inconsistent);
  return new KumulusError(kind, message, { continue: writeContinue({ ...place, revision: -1 }, base) });
}
