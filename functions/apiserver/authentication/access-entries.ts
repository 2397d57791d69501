import { parse } from 'yaml';
import type { ConfigMap } from '../../../lib/api/gen/types.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { UserInfo } from '../../../lib/http/types.ts';

/** Whoever may write it decides who gets in: as `aws-auth` of EKS, in a namespace that only administrators write to. */
export const accessEntriesConfigMap = { namespace: 'kube-system', name: 'iam-access-entries' } as const;
/** The key of its data that holds the entries, as YAML or JSON. */
export const accessEntriesKey = 'entries';

/** Who STS says has signed a request. */
export interface CallerIdentity {
  account: string;
  /** `arn:aws:sts::123456789012:assumed-role/admin/alice`, `arn:aws:iam::123456789012:user/alice`. */
  arn: string;
  /** `AROA…:alice` */
  userId: string;
}

/** Whom an IAM principal is in the cluster. */
export interface AccessEntry {
  /** ARN of a user or of a role: not of a session of it. */
  principalArn: string;
  /**
   * May hold `{{SessionName}}` (of a role; of an instance's role it is the instance's id), `{{SessionNameRaw}}` and
   * `{{AccountID}}`. Default: the caller's ARN.
   */
  username?: string;
  groups?: readonly string[];
}

/** The user by the first entry that names the principal; undefined when none does. */
export function userOf(identity: CallerIdentity, entries: readonly AccessEntry[]): UserInfo | undefined {
  const { principal, session } = principalOf(identity.arn);
  const entry = entries.find(({ principalArn }) => withoutPath(principalArn) === principal);
  if (!entry) return undefined;
  const values: Record<string, string> = {
    AccountID: identity.account,
    // A user's name: `@` would be taken for a domain.
    SessionName: session.replaceAll('@', '-'),
    SessionNameRaw: session,
  };
  const username = (entry.username ?? identity.arn).replace(
    /\{\{(\w+)\}\}/g,
    (whole, name: string) => values[name] ?? whole,
  );
  return {
    username,
    uid: `aws-iam-authenticator:${identity.account}:${identity.userId.split(':')[0]}`,
    groups: [...(entry.groups ?? [])],
    extra: {
      arn: [identity.arn],
      canonicalArn: [principal],
      principalId: [identity.userId.split(':')[0] ?? ''],
      sessionName: [session],
    },
  };
}

/** @throws TypeError with the entry's position and field. */
export function parseAccessEntries(value: unknown): AccessEntry[] {
  if (!Array.isArray(value)) throw new TypeError('access entries: Invalid value: must be a list');
  return value.map((one: unknown, index) => {
    const { principalArn, username, groups } = (one ?? {}) as Record<string, unknown>;
    const wrong = (field: string, found: unknown, must: string) =>
      new TypeError(`[${index}].${field}: Invalid value: ${JSON.stringify(found)}: must be ${must}`);
    if (typeof principalArn !== 'string' || !/^arn:[^:]+:iam::\d{12}:(role|user)\/.+$/.test(principalArn))
      throw wrong('principalArn', principalArn, 'the ARN of an IAM role or user');
    if (username !== undefined && (typeof username !== 'string' || username === ''))
      throw wrong('username', username, 'text');
    if (groups !== undefined && !isNameList(groups)) throw wrong('groups', groups, 'a list of names');
    return { principalArn, username, groups };
  });
}

/** @throws Error for what is no YAML, and what `parseAccessEntries` throws. */
export function readAccessEntries({ data }: Pick<ConfigMap, 'data'>): AccessEntry[] {
  const text = data?.[accessEntriesKey] ?? '[]';
  let value: unknown;
  try {
    // The first line says where and what; those below it show the text.
    value = parse(text, { prettyErrors: true });
  } catch (error) {
    throw new Error(messageOf(error).split('\n', 1)[0], { cause: error });
  }
  return parseAccessEntries(value);
}

function isNameList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '');
}

/** A session's role, which is what policies and entries name; its path is lost in the session's ARN. */
function principalOf(arn: string): { principal: string; session: string } {
  const [, partition, account, role, session = ''] =
    /^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\/(.+)$/.exec(arn) ?? [];
  if (role) return { principal: `arn:${partition}:iam::${account}:role/${role}`, session };
  return { principal: withoutPath(arn), session: '' };
}

function withoutPath(arn: string): string {
  return arn.replace(/^(arn:[^:]+:iam::\d+:(?:role|user))\/(?:.*\/)?([^/]+)$/, '$1/$2');
}
