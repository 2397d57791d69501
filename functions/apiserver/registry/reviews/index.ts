/** Kinds that are questions: created, answered at once in `status`, and never stored. */
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { respondObject } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { decodeObject } from '../handlers/create.ts';
import { representationOf } from '../handlers/render.ts';
import { checkPlace, refuseFaults, trackUpdate, type Write } from '../handlers/write.ts';
import { writeParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import type { AnyObject } from '../strategy.ts';
import { answerLocalSubject, answerSelf, answerSubject } from './access.ts';
import { answerRules } from './rules.ts';
import { answerIdentity, answerToken } from './identity.ts';

/** Fills the status in, in place; the question has been found valid. */
export type Answer<T extends KubeObject> = (
  review: T,
  backend: Backend,
  context: RequestContext,
) => Promise<void>;

const answers: Readonly<Record<string, Answer<AnyObject>>> = {
  'authentication.k8s.io/selfsubjectreviews': answer(answerIdentity),
  'authentication.k8s.io/tokenreviews': answer(answerToken),
  'authorization.k8s.io/localsubjectaccessreviews': answer(answerLocalSubject),
  'authorization.k8s.io/selfsubjectaccessreviews': answer(answerSelf),
  'authorization.k8s.io/selfsubjectrulesreviews': answer(answerRules),
  'authorization.k8s.io/subjectaccessreviews': answer(answerSubject),
};

/** Undefined for kinds that are stored. */
export function reviewHandler({ storage }: RegistryEntry) {
  const found = Object.hasOwn(answers, storage) ? answers[storage] : undefined;
  return (
    found &&
    (async (backend: Backend, context: RequestContext, entry: RegistryEntry): Promise<ApiResponse> => {
      const representation = representationOf(context, false);
      const params = writeParams(context.request.query, 'CreateOptions');
      const write: Write = { backend, context, entry, params, subresource: '' };
      const review = await decodeObject(write);
      checkPlace(write, review);
      refuseFaults(entry, review.metadata.name ?? '', () => entry.strategy.rules.validateCreate(review));
      const tracked = trackUpdate(write, undefined, review);
      await found(tracked, backend, context);
      return respondObject(context, representation, tracked, 201);
    })
  );
}

/** Forgets the type of the question, which the entry's schema has made sure of. */
function answer<T extends KubeObject>(ofKind: Answer<T>): Answer<AnyObject> {
  return ofKind as unknown as Answer<AnyObject>;
}
