/** Asking who may do what (docs, "Kubernetes CEL libraries", "Kubernetes authorizer library"). */
import { CelError, type CelValue, Opaque } from '../values.ts';
import type { Implementation, Implementations } from './implementation.ts';

/** What is asked. Without `path` it is about a resource. */
export interface Question {
  /** Undefined: whoever makes the request. */
  serviceAccount?: { namespace: string; name: string };
  verb: string;
  path?: string;
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  fieldSelector?: string;
  labelSelector?: string;
}

export interface Answer {
  allowed: boolean;
  reason: string;
  error?: string;
}

/** May throw `Pending` while the answer is not known; a question that was asked before is answered from memory. */
export type Ask = (question: Question) => Answer;

const nothing: Question = { verb: '', group: '', resource: '', subresource: '', namespace: '', name: '' };

abstract class Asker extends Opaque {
  readonly ask: Ask;
  readonly question: Question;
  constructor(ask: Ask, question: Question = nothing) {
    super();
    this.ask = ask;
    this.question = question;
  }
}

export class AuthorizerValue extends Asker {
  readonly typeName = 'kubernetes.authorization.Authorizer';
}
class PathCheck extends Asker {
  readonly typeName = 'kubernetes.authorization.PathCheck';
}
class GroupCheck extends Asker {
  readonly typeName = 'kubernetes.authorization.GroupCheck';
}
export class ResourceCheck extends Asker {
  readonly typeName = 'kubernetes.authorization.ResourceCheck';
}

class Decision extends Opaque {
  readonly typeName = 'kubernetes.authorization.Decision';
  readonly answer: Answer;
  constructor(answer: Answer) {
    super();
    this.answer = answer;
  }
}

type Maker<T extends Asker> = new (ask: Ask, question: Question) => T;

/** A question on the way: `from` with `changes` becomes a `to`. */
function step<F extends Asker, T extends Asker>(
  from: Maker<F>,
  to: Maker<T>,
  changes: (...texts: string[]) => Partial<Question>,
): Implementation {
  return ([asker = null, ...operands]) => {
    if (!(asker instanceof from) || !operands.every((one) => typeof one === 'string')) return undefined;
    return new to(asker.ask, { ...asker.question, ...changes(...operands) });
  };
}

const ofDecision =
  (run: (answer: Answer) => CelValue): Implementation =>
  ([decision = null]) =>
    decision instanceof Decision ? run(decision.answer) : undefined;

export const authorization: Implementations = {
  path: step(AuthorizerValue, PathCheck, (path = '') => {
    if (path === '') throw new CelError('path must not be empty');
    return { path };
  }),
  group: step(AuthorizerValue, GroupCheck, (group = '') => ({ group })),
  serviceAccount: step(AuthorizerValue, AuthorizerValue, (namespace = '', name = '') => {
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) {
      throw new CelError(`Invalid service account namespace`);
    }
    if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) throw new CelError(`Invalid service account name`);
    return { serviceAccount: { namespace, name } };
  }),
  resource: step(GroupCheck, ResourceCheck, (resource = '') => {
    if (resource === '') throw new CelError('resource must not be empty');
    return { resource };
  }),
  subresource: step(ResourceCheck, ResourceCheck, (subresource = '') => ({ subresource })),
  namespace: step(ResourceCheck, ResourceCheck, (namespace = '') => ({ namespace })),
  name: step(ResourceCheck, ResourceCheck, (name = '') => ({ name })),
  fieldSelector: step(ResourceCheck, ResourceCheck, (fieldSelector = '') => ({ fieldSelector })),
  labelSelector: step(ResourceCheck, ResourceCheck, (labelSelector = '') => ({ labelSelector })),
  check([asker = null, verb = null]) {
    if (!(asker instanceof PathCheck || asker instanceof ResourceCheck) || typeof verb !== 'string') {
      return undefined;
    }
    return new Decision(asker.ask({ ...asker.question, verb }));
  },
  allowed: ofDecision(({ allowed }) => allowed),
  reason: ofDecision(({ reason }) => reason),
  errored: ofDecision(({ error }) => error !== undefined),
  error: ofDecision(({ error }) => error ?? ''),
};
