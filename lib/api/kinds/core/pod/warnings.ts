/** What whoever writes a pod or a template is told of that works, and not as it reads. */
import type { Container, EnvVar, ObjectMeta, PodSpec, Volume } from '../../../gen/types.ts';
import { parseQuantity, scaledValue } from '../../../quantity/index.ts';
import { own } from '../../../validate/own.ts';
import { Path } from '../../../validate/path.ts';
import { quote } from '../../../validate/quote.ts';
import { containersOf } from './spec.ts';

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod':
    'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};
const deprecatedVolumes: Readonly<Partial<Record<keyof Volume, string>>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};
const deprecatedNodeLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region':
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone':
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type':
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

/** @param at Where a template stands: `spec.template`. Nothing for a pod itself. */
export function podWarnings(pod: { metadata?: ObjectMeta; spec: PodSpec } | undefined, at?: Path): string[] {
  if (!pod) return [];
  const { metadata = {}, spec } = pod;
  const within = (field: string) => at?.child(field) ?? Path.of(field);
  const path = within('spec');
  const annotations = within('metadata').child('annotations');
  return [
    ...ofNodeLabels(spec, path),
    ...Object.entries(deprecatedAnnotations)
      .filter(([key]) => own(metadata.annotations, key) !== undefined)
      .map(([key, text]) => say(annotations.key(key), text)),
    ...ofVolumes(spec.volumes ?? [], path.child('volumes')),
    ...duplicates(spec.hostAliases ?? [], 'ip', path.child('hostAliases')),
    ...duplicates(spec.imagePullSecrets ?? [], 'name', path.child('imagePullSecrets')),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, index) =>
      name ? [] : [say(path.child('imagePullSecrets').index(index).child('name'), `invalid empty name ""`)],
    ),
    ...fractions(spec.overhead, path.child('overhead')),
    ...containersOf(spec, path).flatMap(([container, place]) => ofContainer(container as Container, place)),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [
          say(
            path.child('terminationGracePeriodSeconds'),
            `must be >= 0; negative values are invalid and will be treated as 1`,
          ),
        ]
      : []),
  ];
}

function say(path: Path, text: string): string {
  return `${path.toString()}: ${text}`;
}

function ofNodeLabels(spec: PodSpec, path: Path): string[] {
  const warnings: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    const text = own(deprecatedNodeLabels, key);
    if (text) warnings.push(say(path.child('nodeSelector').key(key), text));
  }
  for (const [index, constraint] of (spec.topologySpreadConstraints ?? []).entries()) {
    const at = path.child('topologySpreadConstraints').index(index);
    const text = own(deprecatedNodeLabels, constraint.topologyKey);
    if (text) warnings.push(say(at.child('topologyKey'), `${constraint.topologyKey} is ${text}`));
    if (!constraint.labelSelector) {
      warnings.push(say(at.child('labelSelector'), `a null labelSelector results in matching no pod`));
    }
  }
  return warnings;
}

function ofVolumes(volumes: readonly Volume[], path: Path): string[] {
  const warnings: string[] = [];
  for (const [index, volume] of volumes.entries()) {
    for (const field of Object.keys(volume) as (keyof Volume)[]) {
      const text = own(deprecatedVolumes, field);
      if (text && volume[field] !== undefined) warnings.push(say(path.index(index).child(field), text));
    }
  }
  return warnings;
}

function duplicates<K extends string>(
  items: readonly { [field in K]?: string }[],
  field: K,
  path: Path,
): string[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const value = item[field] ?? '';
    if (seen.has(value)) return [say(path.index(index).child(field), `duplicate ${field} ${quote(value)}`)];
    seen.add(value);
    return [];
  });
}

function ofContainer({ env = [], resources }: Container, path: Path): string[] {
  return [
    ...fractions(resources?.limits, path.child('resources', 'limits')),
    ...fractions(resources?.requests, path.child('resources', 'requests')),
    ...ofEnv(env, path.child('env')),
  ];
}

/** Bytes come whole. */
function fractions(amounts: Readonly<Record<string, string>> | undefined, path: Path): string[] {
  return ['memory', 'ephemeral-storage'].flatMap((name) => {
    const text = own(amounts, name);
    if (text === undefined) return [];
    if (scaledValue(parseQuantity(text), -3) % 1000n === 0n) return [];
    return [say(path.key(name), `fractional byte value ${quote(text)} is invalid, must be an integer`)];
  });
}

function ofEnv(env: readonly EnvVar[], path: Path): string[] {
  const seen = new Set<string>();
  return env.flatMap(({ name, value = '', valueFrom }, index) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    // One that extends what was before it is all right: X=$(X):more.
    const reference = `$(${name})`;
    const hides = valueFrom !== undefined || value === reference || !value.includes(reference);
    return hides
      ? [
          say(
            path.index(index),
            `hides previous definition of ${quote(name)}, which may be dropped when using apply`,
          ),
        ]
      : [];
  });
}
