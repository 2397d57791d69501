import { badRequest } from '../../../../lib/api/status.ts';
import type { ApiRequest, UserInfo } from '../../../../lib/http/types.ts';
import type { Authorizer } from '../../authorization/port.ts';
import { selectorsOf } from '../../authorization/selectors.ts';
import type { Stage } from '../context.ts';
import { impersonationModes, type Impersonated } from './modes.ts';

/** Of so many users it is remembered by which mode they last came through. */
const maxRemembered = 10_000;

/**
 * `Impersonate-User` and its companions (API reference, "User impersonation"; KEP-5284): the caller must be allowed what
 * one of the modes asks for, and then acts as that user.
 */
export function impersonation(authorizer: Authorizer): Stage {
  const modes = impersonationModes(authorizer);
  // Most users always come by one mode: asked first, it spares the questions of the others.
  const lastModes = new Map<string, (typeof modes)[number]>();
  return async (context, next) => {
    const wanted = wantedUser(context.request);
    if (!wanted) return next();
    const { user, info } = context;
    const attributes = { ...info, user, ...selectorsOf(info, context.request.query) };
    const last = lastModes.get(user.username);
    let impersonated: Impersonated | undefined;
    let refusal: unknown;
    for (const mode of last ? [last, ...modes.filter((one) => one !== last)] : modes) {
      try {
        impersonated = await mode(wanted, attributes);
      } catch (error) {
        refusal ??= error;
      }
      if (!impersonated) continue;
      lastModes.delete(user.username);
      lastModes.set(user.username, mode);
      if (lastModes.size > maxRemembered) lastModes.delete(lastModes.keys().next().value ?? '');
      break;
    }
    if (!impersonated) throw refusal;
    context.user = impersonated.user;
    if (impersonated.constraint) context.impersonationConstraint = impersonated.constraint;
    return next();
  };
}

/** The user as the headers give it; undefined where there are none. */
function wantedUser(request: ApiRequest): UserInfo | undefined {
  const { headers } = request;
  const username = headers['impersonate-user'] ?? '';
  const uid = headers['impersonate-uid'];
  const groups = valuesOf(request, 'impersonate-group');
  const extra = new Map<string, string[]>();
  for (const name in headers) {
    if (!name.startsWith(extraPrefix)) continue;
    const key = decodeKey(name.slice(extraPrefix.length));
    extra.set(key, [...(extra.get(key) ?? []), ...valuesOf(request, name)]);
  }
  const wanted: UserInfo = {
    username,
    ...(uid && { uid }),
    groups,
    ...(extra.size > 0 && { extra: Object.fromEntries(extra) }),
  };
  if (username) return wanted;
  if (!uid && groups.length === 0 && !wanted.extra) return undefined;
  throw badRequest(`requested ${spell(wanted)} without impersonating a user name`);
}

const extraPrefix = 'impersonate-extra-';

/** A value may hold a comma, so only the host can tell one from the next. */
function valuesOf({ headers, headerLists }: ApiRequest, name: string): string[] {
  const value = headers[name];
  return [...(headerLists?.[name] ?? (value === undefined ? [] : [value]))];
}

/** Header names cannot hold everything that a key can; clients escape the rest. */
function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** As Go spells a `user.DefaultInfo`, which is how kube-apiserver quotes it. */
function spell({ uid = '', groups, extra }: UserInfo): string {
  const list = (values: string[]) => `[]string{${values.map((value) => JSON.stringify(value)).join(', ')}}`;
  const pairs = Object.entries(extra ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, values]) => `${JSON.stringify(key)}:${list(values)}`);
  const groupText = groups.length > 0 ? list(groups) : '[]string(nil)';
  const extraText = extra ? `map[string][]string{${pairs.join(', ')}}` : 'map[string][]string(nil)';
  return `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${groupText}, Extra:${extraText}}`;
}
