/**
 * The ways of taking on another user (KEP-5284). The constrained ones ask whether the caller may do this very request
 * while impersonating (`impersonate-on:MODE:VERB`), then whether it may impersonate this user (`impersonate:MODE`); the
 * one that was always there asks for the verb `impersonate` alone.
 */
import type { UserInfo } from '../../../../lib/http/types.ts';
import { aggregateText } from '../../../../lib/api/validate/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../../../lib/api/validate/formats.ts';
import { validateDomainPrefixedPath } from '../../../../lib/api/validate/domain-path.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import type { AuthorizationAttributes, Authorizer } from '../../authorization/port.ts';
import { forbiddenError } from '../authorization.ts';

export interface Impersonated {
  user: UserInfo;
  /** The verb by which a constrained mode allowed it. */
  constraint?: string;
}

/**
 * Undefined where the mode is not one for this user.
 *
 * @param attributes The request, as the caller's own.
 * @throws KumulusError Forbidden
 */
export type ImpersonationMode = (
  wanted: UserInfo,
  attributes: AuthorizationAttributes,
) => Promise<Impersonated | undefined>;

/** What the authorizer is asked instead of what the request says. */
type View = (attributes: AuthorizationAttributes) => AuthorizationAttributes;
const asItIs: View = (attributes) => attributes;

/** From so many values on it is first asked whether the caller may take on any. */
const manyValues = 4;

/** The strictest first. */
export function impersonationModes(authorizer: Authorizer): readonly ImpersonationMode[] {
  return [
    constrained(authorizer, 'associated-node', isOwnNode, asAnyNode),
    constrained(authorizer, 'arbitrary-node', (wanted) => isPlain(wanted) && nodeOf(wanted) !== undefined),
    constrained(authorizer, 'serviceaccount', (wanted) => isPlain(wanted) && accountOf(wanted) !== undefined),
    constrained(authorizer, 'user-info', (wanted) => !nodeOf(wanted) && !accountOf(wanted)),
    async (wanted, { user }) => ({ user: await takeOn(authorizer, 'impersonate', wanted, user) }),
  ];
}

function constrained(
  authorizer: Authorizer,
  mode: string,
  fits: (wanted: UserInfo, caller: UserInfo) => boolean,
  view: View = asItIs,
): ImpersonationMode {
  return async (wanted, attributes) => {
    if (!fits(wanted, attributes.user)) return undefined;
    await check(authorizer, view({ ...attributes, verb: `impersonate-on:${mode}:${attributes.verb}` }));
    const constraint = `impersonate:${mode}`;
    return { user: await takeOn(authorizer, constraint, wanted, attributes.user, view), constraint };
  };
}

/** Asks for each thing that the user is made of; the user with the groups that it has by itself. */
async function takeOn(
  authorizer: Authorizer,
  verb: string,
  wanted: UserInfo,
  caller: UserInfo,
  view: View = asItIs,
): Promise<UserInfo> {
  const isConstrained = verb !== 'impersonate';
  const { username, uid, groups, extra } = wanted;
  const about = (apiGroup: string, resource: string, name: string): AuthorizationAttributes => ({
    isResourceRequest: true,
    path: '',
    verb,
    apiGroup,
    apiVersion: 'v1',
    namespace: '',
    resource,
    subresource: '',
    name,
    user: caller,
  });
  const ask = (attributes: AuthorizationAttributes) => check(authorizer, view(attributes));
  const ownGroup = isConstrained ? 'authentication.k8s.io' : '';

  const account = accountOf(wanted);
  const node = isConstrained ? nodeOf(wanted) : undefined;
  if (account)
    await ask({ ...about(ownGroup, 'serviceaccounts', account.name), namespace: account.namespace });
  else if (node !== undefined) await ask(about(ownGroup, 'nodes', node));
  else await ask(about(ownGroup, 'users', username));

  if (uid) await ask(about('authentication.k8s.io', 'uids', uid));

  const groupsOf = (name: string) => about(ownGroup, 'groups', name);
  if (isConstrained && groups.includes('')) {
    throw forbiddenError(groupsOf(''), 'impersonating the empty string group is not allowed');
  }
  if (isConstrained && groups.includes(privileged)) {
    throw forbiddenError(groupsOf(privileged), `impersonating the ${privileged} group is not allowed`);
  }
  const mayAnyGroup =
    isConstrained && groups.length >= manyValues && (await isAllowed(authorizer, view(groupsOf('*'))));
  if (!mayAnyGroup) for (const group of groups) await ask(groupsOf(group));

  const values = Object.entries(extra ?? {}).flatMap(([key, list]) => list.map((value) => ({ key, value })));
  const extraOf = (key: string, name: string) => ({
    ...about('authentication.k8s.io', 'userextras', name),
    subresource: key,
  });
  const wrong = isConstrained ? wrongExtra(extra ?? {}) : undefined;
  if (wrong) throw forbiddenError(extraOf('', ''), wrong);
  const mayAnyExtra =
    isConstrained && values.length >= manyValues && (await isAllowed(authorizer, view(extraOf('*', '*'))));
  if (!mayAnyExtra) for (const { key, value } of values) await ask(extraOf(key, value));

  const implied =
    node !== undefined
      ? ['system:nodes']
      : account
        ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`]
        : [];
  return { ...wanted, groups: withPopulation(username, groups.length > 0 ? groups : implied) };
}

const privileged = 'system:masters';

function withPopulation(username: string, groups: string[]): string[] {
  const isAnonymous = username === 'system:anonymous';
  const population = isAnonymous ? 'system:unauthenticated' : 'system:authenticated';
  const isSaid = groups.includes(population) || groups.includes('system:unauthenticated');
  return isSaid ? groups : [...groups, population];
}

function wrongExtra(extra: Readonly<Record<string, readonly string[]>>): string | undefined {
  for (const [key, values] of Object.entries(extra)) {
    if (key === '') return 'impersonating the empty string key in extra is not allowed';
    const wrong = validateDomainPrefixedPath(key, Path.of('extra', 'key'));
    if (wrong.length > 0) {
      return `impersonating an invalid key in extra is not allowed: ${aggregateText(wrong)}`;
    }
    if (key !== key.toLowerCase()) {
      return `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`;
    }
    if (values.length === 0) return 'impersonating empty values in extra is not allowed';
    if (values.includes('')) return 'impersonating the empty string value in extra is not allowed';
  }
  return undefined;
}

/** Nothing but a name: all else follows from it. */
function isPlain({ uid, groups, extra }: UserInfo): boolean {
  return !uid && groups.length === 0 && !extra;
}

function nodeOf({ username }: UserInfo): string | undefined {
  const prefix = 'system:node:';
  if (!username.startsWith(prefix)) return undefined;
  const name = username.slice(prefix.length);
  return dns1123Subdomain(name).length === 0 ? name : undefined;
}

function accountOf({ username }: UserInfo): { namespace: string; name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]*):([^:]*)$/.exec(username) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  const isNamed = dns1123Label(namespace).length === 0 && dns1123Subdomain(name).length === 0;
  return isNamed ? { namespace, name } : undefined;
}

const nodeNameKey = 'authentication.kubernetes.io/node-name';

/** A service account whose token names the node on which its pod runs. */
function isOwnNode(wanted: UserInfo, caller: UserInfo): boolean {
  const node = nodeOf(wanted);
  const names = caller.extra?.[nodeNameKey] ?? [];
  return (
    isPlain(wanted) &&
    node !== undefined &&
    accountOf(caller) !== undefined &&
    names.length === 1 &&
    names[0] === node
  );
}

/** Which node it is does not matter once it is the caller's own, so the same answer holds on all of them. */
function asAnyNode(attributes: AuthorizationAttributes): AuthorizationAttributes {
  const { user, verb, name } = attributes;
  const keys = Object.keys(user.extra ?? {}).sort();
  return {
    ...attributes,
    name: verb === 'impersonate:associated-node' ? '*' : name,
    user: { ...user, extra: { 'authentication.kubernetes.io/associated-node-keys': keys } },
  };
}

async function isAllowed(authorizer: Authorizer, attributes: AuthorizationAttributes): Promise<boolean> {
  return (await authorizer.authorize(attributes)).decision === 'allow';
}

async function check(authorizer: Authorizer, attributes: AuthorizationAttributes): Promise<void> {
  const { decision, reason, error } = await authorizer.authorize(attributes);
  if (decision !== 'allow') throw forbiddenError(attributes, [error, reason].filter(Boolean).join(': '));
}
