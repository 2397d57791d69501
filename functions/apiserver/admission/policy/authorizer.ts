/** The variable `authorizer` of policies: asks the server's authorizer, each question once a request. */
import type { Answer, Ask, CelValue, Question } from '../../../../lib/cel/runtime.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { Authorizer } from '../../authorization/port.ts';
import { fieldRequirements, labelRequirements } from '../../authorization/selectors.ts';
import type { AdmissionAttributes } from '../../pipeline/admission.ts';
import type { PolicyRuntime } from './runtime.ts';

export interface AuthorizerValues {
  authorizer: CelValue;
  requestResource: CelValue;
}

export function authorizerValues(
  { AuthorizerValue, ResourceCheck, Pending }: PolicyRuntime,
  authorizer: Authorizer,
  { user, entry, subresource, namespace, name }: AdmissionAttributes,
): AuthorizerValues {
  const known = new Map<string, Answer>();
  const ask: Ask = (question) => {
    const key = JSON.stringify(question);
    const answer = known.get(key);
    if (answer) return answer;
    const asked = decide(authorizer, user, question).then((found) => void known.set(key, found));
    throw new Pending(asked);
  };
  const { group, plural } = entry.definition;
  const requestResource = new ResourceCheck(ask, {
    verb: '',
    group,
    resource: plural,
    subresource,
    namespace,
    name,
  });
  return { authorizer: new AuthorizerValue(ask), requestResource };
}

async function decide(authorizer: Authorizer, user: UserInfo, question: Question): Promise<Answer> {
  const { serviceAccount, path, fieldSelector, labelSelector } = question;
  const isResourceRequest = path === undefined;
  try {
    const {
      decision,
      reason = '',
      error,
    } = await authorizer.authorize({
      user: serviceAccount ? accountUser(serviceAccount) : user,
      isResourceRequest,
      path: path ?? '',
      verb: question.verb,
      apiGroup: question.group,
      apiVersion: isResourceRequest ? '*' : '',
      namespace: question.namespace,
      resource: question.resource,
      subresource: question.subresource,
      name: question.name,
      ...(fieldSelector && { fieldSelector: fieldRequirements(fieldSelector) }),
      ...(labelSelector && { labelSelector: labelRequirements(labelSelector) }),
    });
    return { allowed: decision === 'allow', reason, ...(error !== undefined && { error }) };
  } catch (error) {
    return { allowed: false, reason: '', error: messageOf(error) };
  }
}

function accountUser({ namespace, name }: { namespace: string; name: string }): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}
