import type { Namespace } from '../../../../lib/api/gen/types.ts';
import { prepareForFinalize, validateFinalize } from '../../../../lib/api/kinds/core/namespace.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { handleUpdate } from '../handlers/create.ts';
import type { RegistryEntry } from '../registry.ts';

/** PUT of `spec.finalizers`; the namespace goes with the last of them when it is being deleted. */
export function handleFinalize(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const { rules } = entry.strategy;
  const finalizing: RegistryEntry = {
    ...entry,
    strategy: {
      ...entry.strategy,
      rules: {
        ...rules,
        prepareForUpdate: (object, old) => prepareForFinalize(object as Namespace, old as Namespace),
        validateUpdate: (object, old) => validateFinalize(object as Namespace, old as Namespace),
      },
    },
  };
  return handleUpdate(backend, context, finalizing);
}
