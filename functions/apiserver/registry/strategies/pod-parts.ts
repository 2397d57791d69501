/** Subresources of a pod that write one part of it: `ephemeralcontainers` and `resize`. */
import type { Pod } from '../../../../lib/api/gen/types.ts';
import {
  prepareForEphemeralContainersUpdate,
  validateEphemeralContainers,
  validatePodResize,
} from '../../../../lib/api/kinds/core/pod/index.ts';
import { prepareForResize } from '../../../../lib/api/kinds/core/pod/resize.ts';
import type { FieldError } from '../../../../lib/api/validate/field-error.ts';
import type { AnyObject } from '../any-object.ts';
import type { RegistryEntry } from '../registry.ts';

interface Part {
  /** Keeps of the pod what this subresource does not write. */
  limit(pod: Pod, old: Pod): void;
  validate(pod: Pod, old: Pod): FieldError[];
}

const parts: Readonly<Record<string, Part>> = {
  ephemeralcontainers: { limit: prepareForEphemeralContainersUpdate, validate: validateEphemeralContainers },
  resize: { limit: prepareForResize, validate: validatePodResize },
};

/** The entry of pods as it is written through the subresource. */
export function entryOfPart(entry: RegistryEntry, subresource: string): RegistryEntry {
  const part = parts[subresource];
  if (!part) throw new Error(`pods have no part ${subresource}`);
  const { rules } = entry.strategy;
  return {
    ...entry,
    strategy: {
      ...entry.strategy,
      limit(wanted: AnyObject, current: AnyObject) {
        const [pod, old] = [wanted as unknown as Pod, current as unknown as Pod];
        part.limit(pod, old);
        keepMetadata(pod, old);
        pod.status = old.status;
      },
      rules: {
        ...rules,
        prepareForUpdate: () => undefined,
        validateUpdate: (pod, old) => part.validate(pod as Pod, old as Pod),
      },
    },
  };
}

/** Of the metadata, nothing is written through a part. */
function keepMetadata({ metadata }: Pod, { metadata: old }: Pod): void {
  const { deletionTimestamp, labels, annotations, finalizers, ownerReferences } = old;
  const kept = { deletionTimestamp, labels, annotations, finalizers, ownerReferences };
  Object.assign(metadata, structuredClone(kept));
  for (const field of Object.keys(kept) as (keyof typeof kept)[]) {
    if (metadata[field] === undefined) delete metadata[field];
  }
}
