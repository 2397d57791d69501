/** Roles and bindings in memory, found by whom they are about. Changed one object at a time. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RbacV1Subject,
  Role,
  RoleBinding,
} from '../../../../lib/api/gen/types.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { AuthorizationAttributes, AuthorizationDecision } from '../port.ts';
import { CompiledRules } from './rule.ts';

/** One subject of one binding. */
interface Grant {
  role: RoleRef;
  /** Under which the role is found among those of its kind. */
  roleKey: string;
  /** `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"` */
  description: string;
}

interface RoleRef {
  kind: string;
  name: string;
  /** Of a Role; empty for a ClusterRole. */
  namespace: string;
}

/** A subject's grants by the object that gives them: those of the whole cluster, and those of each namespace. */
interface Held {
  cluster: Map<string, Grant>;
  namespaces: Map<string, Map<string, Grant>>;
}

export class Policy {
  readonly #clusterRoles = new Map<string, CompiledRules>();
  readonly #roles = new Map<string, CompiledRules>();
  readonly #held = new Map<string, Held>();
  /** By a binding's address: to whom it gave something, so that it can be taken away again. */
  readonly #placed = new Map<string, { namespace: string; subjects: ReadonlySet<string> }>();

  /** `key` is the object's name; undefined takes it away. */
  setClusterRole(key: string, role: ClusterRole | undefined): void {
    put(this.#clusterRoles, key, role && new CompiledRules(role.rules ?? []));
  }

  /** `key` is `namespace/name`. */
  setRole(key: string, role: Role | undefined): void {
    put(this.#roles, key, role && new CompiledRules(role.rules ?? []));
  }

  setClusterRoleBinding(key: string, binding: ClusterRoleBinding | undefined): void {
    const { kind, name } = binding?.roleRef ?? {};
    const head = `ClusterRoleBinding ${quote(key)} of ${kind} ${quote(name ?? '')} to`;
    this.#place(`//${key}`, '', head, binding);
  }

  setRoleBinding(key: string, binding: RoleBinding | undefined): void {
    const [namespace = '', bindingName = ''] = key.split('/');
    const { kind, name } = binding?.roleRef ?? {};
    const head = `RoleBinding ${quote(`${bindingName}/${namespace}`)} of ${kind} ${quote(name ?? '')} to`;
    this.#place(key, namespace, head, binding);
  }

  /** The rules of a role; undefined when there is none. */
  rulesOf(role: RoleRef): readonly PolicyRule[] | undefined {
    return this.#role(role, roleKeyOf(role))?.rules;
  }

  decide(attributes: AuthorizationAttributes): AuthorizationDecision {
    const errors: string[] = [];
    for (const grants of this.#grantsOf(attributes.user, attributes.namespace)) {
      for (const grant of grants.values()) {
        const role = this.#role(grant.role, grant.roleKey);
        if (!role) errors.push(missing(grant.role));
        else if (role.allow(attributes)) {
          return { decision: 'allow', reason: `RBAC: allowed by ${grant.description}` };
        }
      }
    }
    if (errors.length === 0) return { decision: 'noOpinion' };
    return { decision: 'noOpinion', reason: `RBAC: ${aggregate(errors)}` };
  }

  /** Every rule that holds for the user in the namespace (`''`: the whole cluster), and the roles that were not found. */
  rulesFor(user: UserInfo, namespace: string): { rules: PolicyRule[]; errors: string[] } {
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    for (const grants of this.#grantsOf(user, namespace)) {
      for (const grant of grants.values()) {
        const role = this.#role(grant.role, grant.roleKey);
        if (role) rules.push(...role.rules);
        else errors.push(missing(grant.role));
      }
    }
    return { rules, errors: [...new Set(errors)] };
  }

  /** Those of the whole cluster before those of the namespace. */
  #grantsOf(user: UserInfo, namespace: string): ReadonlyMap<string, Grant>[] {
    const grants: ReadonlyMap<string, Grant>[] = [];
    const here: ReadonlyMap<string, Grant>[] = [];
    const add = (held: Held | undefined) => {
      if (!held) return;
      if (held.cluster.size > 0) grants.push(held.cluster);
      const local = namespace === '' ? undefined : held.namespaces.get(namespace);
      if (local) here.push(local);
    };
    add(this.#held.get(`User ${user.username}`));
    for (const group of user.groups) add(this.#held.get(`Group ${group}`));
    return here.length > 0 ? grants.concat(here) : grants;
  }

  #role({ kind }: RoleRef, key: string): CompiledRules | undefined {
    return (kind === 'ClusterRole' ? this.#clusterRoles : this.#roles).get(key);
  }

  #place(
    address: string,
    namespace: string,
    head: string,
    binding: ClusterRoleBinding | RoleBinding | undefined,
  ): void {
    this.#unplace(address);
    if (!binding) return;
    const { kind, name } = binding.roleRef;
    const role = { kind, name, namespace: kind === 'Role' ? namespace : '' };
    const roleKey = roleKeyOf(role);
    const subjects = new Set<string>();
    for (const subject of binding.subjects ?? []) {
      const whom = subjectKey(subject, namespace);
      if (!whom || subjects.has(whom)) continue;
      subjects.add(whom);
      const description = `${head} ${describe(subject, namespace)}`;
      this.#grantsAt(whom, namespace).set(address, { role, roleKey, description });
    }
    this.#placed.set(address, { namespace, subjects });
  }

  #unplace(address: string): void {
    const { namespace = '', subjects = [] } = this.#placed.get(address) ?? {};
    this.#placed.delete(address);
    for (const subject of subjects) {
      const held = this.#held.get(subject);
      if (!held) continue;
      const grants = namespace === '' ? held.cluster : held.namespaces.get(namespace);
      grants?.delete(address);
      if (grants?.size === 0) held.namespaces.delete(namespace);
      if (held.cluster.size === 0 && held.namespaces.size === 0) this.#held.delete(subject);
    }
  }

  #grantsAt(subject: string, namespace: string): Map<string, Grant> {
    let held = this.#held.get(subject);
    if (!held) this.#held.set(subject, (held = { cluster: new Map(), namespaces: new Map() }));
    if (namespace === '') return held.cluster;
    let grants = held.namespaces.get(namespace);
    if (!grants) held.namespaces.set(namespace, (grants = new Map()));
    return grants;
  }
}

function roleKeyOf({ kind, name, namespace }: RoleRef): string {
  return kind === 'ClusterRole' ? name : `${namespace}/${name}`;
}

/** A service account is found by the name of its user. */
function subjectKey({ kind, name, namespace }: RbacV1Subject, bindingNamespace: string): string | undefined {
  switch (kind) {
    case 'User':
    case 'Group':
      return `${kind} ${name}`;
    case 'ServiceAccount': {
      const where = namespace || bindingNamespace;
      return where ? `User system:serviceaccount:${where}:${name}` : undefined;
    }
    default:
      return undefined;
  }
}

function describe({ kind, name, namespace }: RbacV1Subject, bindingNamespace: string): string {
  return `${kind} ${quote(kind === 'ServiceAccount' ? `${name}/${namespace || bindingNamespace}` : name)}`;
}

function missing({ kind, name }: RoleRef): string {
  return `${kind.toLowerCase()}.rbac.authorization.k8s.io ${quote(name)} not found`;
}

/** Several errors as Go joins them, each once. */
function aggregate(errors: readonly string[]): string {
  const distinct = [...new Set(errors)];
  return distinct.length === 1 ? distinct.join('') : `[${distinct.join(', ')}]`;
}

function put<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
