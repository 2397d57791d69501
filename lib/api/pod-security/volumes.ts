import type { Volume } from '../gen/types.ts';
import { type Check, type Finding, named, type PodLike, quoted, sorted } from './check.ts';

export const volumeChecks: readonly Check[] = [
  {
    id: 'restrictedVolumes',
    level: 'restricted',
    versions: [{ since: 0, check: restrictedVolumes, overrides: 'hostPathVolumes' }],
  },
];

const allowed: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/** The field that says what the volume is. */
function typeOf(volume: Volume): string {
  const { name: _, ...source } = volume;
  return Object.keys(source).find((field) => source[field as keyof typeof source] !== undefined) ?? 'unknown';
}

/** Only volumes that hold what the cluster or the container itself put there. */
function restrictedVolumes({ spec }: PodLike): Finding | undefined {
  const bad = (spec.volumes ?? []).filter((volume) => !allowed.has(typeOf(volume)));
  if (bad.length === 0) return undefined;
  const types = sorted(bad.map(typeOf));
  const uses = bad.length === 1 ? 'uses' : 'use';
  const what = types.length === 1 ? 'restricted volume type' : 'restricted volume types';
  const volumes = named(
    'volume',
    bad.map(({ name }) => name),
  );
  return { reason: 'restricted volume types', detail: `${volumes} ${uses} ${what} ${quoted(types)}` };
}
