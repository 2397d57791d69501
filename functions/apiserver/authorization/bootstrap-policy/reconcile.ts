/**
 * Brings the default roles and bindings to at least what they should be, at every start ("Using RBAC Authorization",
 * auto-reconciliation): what is missing is added, what somebody added stays, and what carries the annotation
 * `rbac.authorization.kubernetes.io/autoupdate: "false"` is left alone.
 */
import type {
  ClusterRole,
  ClusterRoleBinding,
  RbacV1Subject,
  Role,
  RoleBinding,
} from '../../../../lib/api/gen/types.ts';
import type { JsonValue, KubeObject, Persisted } from '../../../../lib/api/object.ts';
import { equalJson } from '../../../../lib/api/patch/index.ts';
import type { KubeClient, Resource } from '../../../../lib/client/port.ts';
import { keyOf } from '../../../../lib/api/object.ts';
import { isKind } from '../../../../lib/errors.ts';
import { missingRights } from '../rbac/covers.ts';
import { autoUpdateAnnotation, bootstrapPolicy } from './index.ts';

const clusterRoles = resource<ClusterRole>('clusterroles', 'ClusterRole', false);
const clusterRoleBindings = resource<ClusterRoleBinding>('clusterrolebindings', 'ClusterRoleBinding', false);
const roles = resource<Role>('roles', 'Role', true);
const roleBindings = resource<RoleBinding>('rolebindings', 'RoleBinding', true);
/** Writers at once: the store commits in groups. */
const concurrency = 32;
/** Two API servers that start together meet on an object. */
const maxAttempts = 8;

export async function reconcilePolicy(client: KubeClient): Promise<void> {
  const policy = bootstrapPolicy();
  await reconcileAll(client, clusterRoles, policy.clusterRoles, completeRole);
  await reconcileAll(client, roles, policy.roles, completeRole);
  await reconcileAll(client, clusterRoleBindings, policy.clusterRoleBindings, completeBinding);
  await reconcileAll(client, roleBindings, policy.roleBindings, completeBinding);
}

/** The object with what it lacks of the wanted one; `replace` where it has to be made anew. */
type Complete<T> = (found: T, wanted: T) => T | 'replace';

async function reconcileAll<T extends KubeObject>(
  client: KubeClient,
  of: Resource<T>,
  wanted: readonly T[],
  complete: Complete<T>,
): Promise<void> {
  const { items } = await client.list(of);
  const present = new Map(items.map((item) => [keyOf(item), item]));
  const waiting = wanted.values();
  const work = async () => {
    for (const object of waiting) await reconcile(client, of, object, present.get(keyOf(object)), complete);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

async function reconcile<T extends KubeObject>(
  client: KubeClient,
  of: Resource<T>,
  wanted: T,
  listed: Persisted<T> | undefined,
  complete: Complete<T>,
): Promise<void> {
  let found = listed;
  for (let attempt = 1; ; attempt++) {
    try {
      if (!found) {
        await client.create(of, wanted);
        return;
      }
      if (found.metadata.annotations?.[autoUpdateAnnotation] === 'false') return;
      const completed = complete(found, wanted);
      if (completed === 'replace') {
        const { namespace, name, uid } = found.metadata;
        await client.delete(of, { namespace, name }, { preconditions: { uid } });
        found = undefined;
        continue;
      }
      if (equalJson(found as unknown as JsonValue, completed as unknown as JsonValue)) return;
      await client.update(of, completed);
      return;
    } catch (error) {
      if (attempt >= maxAttempts || !isKind(error, 'AlreadyExists', 'Conflict', 'NotFound')) throw error;
      found = await read(client, of, wanted);
    }
  }
}

async function read<T extends KubeObject>(
  client: KubeClient,
  of: Resource<T>,
  { metadata: { namespace, name = '' } }: T,
): Promise<Persisted<T> | undefined> {
  try {
    return await client.get(of, { namespace, name });
  } catch (error) {
    if (isKind(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** Rules of an aggregated role belong to the aggregation controller. */
function completeRole<T extends Role & ClusterRole>(found: T, wanted: T): T {
  const selectors = found.aggregationRule?.clusterRoleSelectors ?? [];
  const missing = (wanted.aggregationRule?.clusterRoleSelectors ?? []).filter(
    (one) => !selectors.some((other) => same(one, other)),
  );
  const rules = wanted.aggregationRule ? [] : missingRights(found.rules ?? [], wanted.rules ?? []);
  return {
    ...completeMeta(found, wanted),
    ...(rules.length > 0 && { rules: [...(found.rules ?? []), ...rules] }),
    ...(missing.length > 0 && { aggregationRule: { clusterRoleSelectors: [...selectors, ...missing] } }),
  };
}

/** A binding's role is fixed: one that leads to another role is made anew. */
function completeBinding<T extends RoleBinding | ClusterRoleBinding>(found: T, wanted: T): T | 'replace' {
  if (!same(found.roleRef, wanted.roleRef)) return 'replace';
  const subjects: RbacV1Subject[] = found.subjects ?? [];
  const missing = (wanted.subjects ?? []).filter((one) => !subjects.some((other) => same(one, other)));
  return {
    ...completeMeta(found, wanted),
    ...(missing.length > 0 && { subjects: [...subjects, ...missing] }),
  };
}

function completeMeta<T extends KubeObject>(found: T, { metadata: { labels, annotations } }: T): T {
  return {
    ...found,
    metadata: {
      ...found.metadata,
      labels: { ...found.metadata.labels, ...labels },
      annotations: { ...found.metadata.annotations, ...annotations },
    },
  };
}

function same(one: object, other: object): boolean {
  return equalJson(one as JsonValue, other as JsonValue);
}

function resource<T extends KubeObject>(plural: string, kind: string, namespaced: boolean): Resource<T> {
  return { group: 'rbac.authorization.k8s.io', version: 'v1', plural, kind, namespaced };
}
