import type { AnyObject, Strategy } from '../strategy.ts';

const finalizer = 'kubernetes';

export function namespaceStrategy(base: Strategy): Strategy {
  return {
    ...base,
    prepareForCreate(object) {
      object.status = { phase: 'Active' };
      const spec = (object.spec ??= {});
      const finalizers = Array.isArray(spec.finalizers) ? spec.finalizers : [];
      if (!finalizers.includes(finalizer)) spec.finalizers = [...finalizers, finalizer];
      labelWithName(object);
    },
    prepareForUpdate(next, current) {
      base.prepareForUpdate(next, current);
      // Only the finalize subresource changes them.
      next.spec = { ...next.spec, finalizers: current.spec?.finalizers ?? [] };
      labelWithName(next);
    },
  };
}

/** KEP-2161: every namespace can be selected by its name. */
function labelWithName(object: AnyObject): void {
  object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name ?? '' };
}
