import type { Container, EnvVar, Pod } from '../../lib/api/gen/types.ts';
import { isKind, KumulusError } from '../../lib/errors.ts';
import { expand } from './expansion.ts';
import { fieldValue, type NodeFacts, resourceValue } from './field-ref.ts';
import { serviceEnvironment } from './service-env.ts';
import type { PodReferences } from './sources.ts';

/**
 * The variables of a container: those of Services, then `envFrom`, then `env`, the later winning; `$(NAME)` in a value
 * refers to what came before it. Throws a KumulusError in kubelet's words when a reference leads nowhere and is not
 * optional (`CreateContainerConfigError`).
 */
export async function containerEnvironment(
  pod: Pod,
  container: Container,
  node: NodeFacts,
  references: PodReferences,
): Promise<Map<string, string>> {
  const namespace = pod.metadata.namespace ?? '';
  const services = serviceVariables(pod, references);
  const result = new Map<string, string>();
  const lookup = new Map(services);
  const set = (name: string, value: string) => {
    result.set(name, value);
    lookup.set(name, value);
  };

  for (const { configMapRef, secretRef, prefix = '' } of container.envFrom ?? []) {
    if (configMapRef) {
      const found = await optional(
        configMapRef.optional,
        references.configMap(namespace, configMapRef.name ?? ''),
      );
      for (const [key, value] of sorted(found?.data)) set(prefix + key, value);
    }
    if (secretRef) {
      const found = await optional(secretRef.optional, references.secret(namespace, secretRef.name ?? ''));
      for (const [key, value] of sorted(found?.data)) set(prefix + key, decode(value));
    }
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? await referredValue(pod, container, variable, node, references)
      : expand(variable.value ?? '', lookup);
    if (value !== undefined) set(variable.name, value);
  }
  // What the container declares wins over what the cluster offers.
  for (const [name, value] of services) if (!result.has(name)) result.set(name, value);
  return result;
}

function serviceVariables(pod: Pod, references: PodReferences): Map<string, string> {
  const namespace = pod.metadata.namespace ?? '';
  const enabled = pod.spec.enableServiceLinks ?? true;
  const visible = references
    .services(namespace)
    .filter(({ metadata }) =>
      metadata.namespace === 'default' && metadata.name === 'kubernetes'
        ? true
        : enabled && metadata.namespace === namespace,
    );
  return serviceEnvironment(visible);
}

async function referredValue(
  pod: Pod,
  container: Container,
  { name, valueFrom }: EnvVar,
  node: NodeFacts,
  references: PodReferences,
): Promise<string | undefined> {
  const namespace = pod.metadata.namespace ?? '';
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom ?? {};
  if (fieldRef) return fieldValue(pod, fieldRef.fieldPath, node);
  if (resourceFieldRef) return resourceValue(pod, container, resourceFieldRef, node);
  if (configMapKeyRef) {
    const { key, optional: mayLack, name: source = '' } = configMapKeyRef;
    const found = await optional(mayLack, references.configMap(namespace, source));
    const value = found?.data?.[key];
    if (value === undefined && !mayLack) {
      throw new KumulusError('NotFound', `couldn't find key ${key} in ConfigMap ${namespace}/${source}`);
    }
    return value;
  }
  if (secretKeyRef) {
    const { key, optional: mayLack, name: source = '' } = secretKeyRef;
    const found = await optional(mayLack, references.secret(namespace, source));
    const value = found?.data?.[key];
    if (value === undefined && !mayLack) {
      throw new KumulusError('NotFound', `couldn't find key ${key} in Secret ${namespace}/${source}`);
    }
    return value === undefined ? undefined : decode(value);
  }
  throw new KumulusError(
    'BadRequest',
    `env ${name}: valueFrom: Invalid value: this source is not supported by the node`,
  );
}

async function optional<T>(mayLack: boolean | undefined, object: Promise<T>): Promise<T | undefined> {
  try {
    return await object;
  } catch (error) {
    if (mayLack && isKind(error, 'NotFound')) return undefined;
    throw error;
  }
}

function sorted(data: Record<string, string> | undefined): [string, string][] {
  return Object.entries(data ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
