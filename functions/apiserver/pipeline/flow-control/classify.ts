/** Which FlowSchema a request falls under (API reference, FlowSchema): prepared once, as every request asks. */
import type {
  FlowcontrolV1Subject,
  FlowSchema,
  NonResourcePolicyRule,
  ResourcePolicyRule,
} from '../../../../lib/api/gen/types.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { RequestInfo } from '../request-info.ts';

export type Matcher = (info: RequestInfo, user: UserInfo) => boolean;

/** In the order in which they are asked: lowest precedence first, then by name. */
export function inMatchingOrder(schemas: readonly FlowSchema[]): FlowSchema[] {
  return [...schemas].sort((a, b) => {
    const byPrecedence = (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0);
    const [left = '', right = ''] = [a.metadata.name, b.metadata.name];
    return byPrecedence || (left < right ? -1 : left > right ? 1 : 0);
  });
}

export function matcherOf(schema: FlowSchema): Matcher {
  const rules = (schema.spec.rules ?? []).map((rule) => ({
    isSubject: anyOf(rule.subjects.map(subjectMatcher)),
    isResource: anyOf((rule.resourceRules ?? []).map(resourceMatcher)),
    isPath: anyOf((rule.nonResourceRules ?? []).map(pathMatcher)),
  }));
  return (info, user) => {
    for (const { isSubject, isResource, isPath } of rules) {
      if (isSubject(user) && (info.isResourceRequest ? isResource(info) : isPath(info))) return true;
    }
    return false;
  };
}

type Test<T> = (value: T) => boolean;

function anyOf<T>(tests: readonly Test<T>[]): Test<T> {
  const [only, ...others] = tests;
  if (!only) return () => false;
  return others.length === 0 ? only : (value) => tests.some((test) => test(value));
}

function subjectMatcher({ kind, user, group, serviceAccount }: FlowcontrolV1Subject): Test<UserInfo> {
  if (kind === 'User' && user) {
    const { name } = user;
    return name === '*' ? () => true : ({ username }) => username === name;
  }
  if (kind === 'Group' && group) {
    const { name } = group;
    return name === '*' ? () => true : ({ groups }) => groups.includes(name);
  }
  if (kind === 'ServiceAccount' && serviceAccount) {
    const { namespace, name } = serviceAccount;
    const prefix = `system:serviceaccount:${namespace}:`;
    if (name === '*') return ({ username }) => username.startsWith(prefix);
    return ({ username }) => username === prefix + name;
  }
  return () => false;
}

/** `*` stands for everything, where it is the only member. */
function listed(values: readonly string[] | undefined): Test<string> {
  if (values?.length === 1 && values[0] === '*') return () => true;
  const known = new Set(values);
  return (value) => known.has(value);
}

function resourceMatcher(rule: ResourcePolicyRule): Test<RequestInfo> {
  const isVerb = listed(rule.verbs);
  const isResource = listed(rule.resources);
  const isGroup = listed(rule.apiGroups);
  const isNamespace = listed(rule.namespaces);
  const { clusterScope = false } = rule;
  return ({ verb, resource, subresource, apiGroup, namespace }) =>
    isVerb(verb) &&
    isGroup(apiGroup) &&
    isResource(subresource ? `${resource}/${subresource}` : resource) &&
    (namespace === '' ? clusterScope : isNamespace(namespace));
}

/** A path matches itself and everything below it. */
function pathMatcher({ verbs, nonResourceURLs }: NonResourcePolicyRule): Test<RequestInfo> {
  const isVerb = listed(verbs);
  const paths = nonResourceURLs.map((url) => {
    if (url === '*') return () => true;
    const prefix = url.replace(/\*$/, '').replace(/\/?$/, '/');
    return (path: string) => path === url || path.startsWith(prefix);
  });
  return ({ verb, path }) => isVerb(verb) && paths.some((test) => test(path));
}

/** What tells the flows of a schema apart. */
export function distinguisherOf(schema: FlowSchema): (info: RequestInfo, user: UserInfo) => string {
  switch (schema.spec.distinguisherMethod?.type) {
    case 'ByUser':
      return (_info, { username }) => username;
    case 'ByNamespace':
      return ({ namespace }) => namespace;
    default:
      return () => '';
  }
}
