import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

export function policyDefinitions(): ResourceDefinition[] {
  return [
    define({
      group: 'policy',
      plural: 'poddisruptionbudgets',
      kind: 'PodDisruptionBudget',
      shortNames: ['pdb'],
      subresources: [sub('status', 'PodDisruptionBudget', editVerbs, 'policy')],
    }),
  ];
}
