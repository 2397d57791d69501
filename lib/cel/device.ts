/** What expressions that choose devices may name (KEP-4381, `CELDeviceSelector`). */
import { type Environment, kubernetesFunctions } from './environment.ts';
import { bool, dyn, mapOf, string, type CelType } from './types.ts';

const quantity: CelType = { kind: 'simple', name: 'kubernetes.Quantity' };
const device = 'kubernetes.DRADevice';

export const deviceEnvironment: Environment = {
  variables: new Map([['device', { kind: 'object', name: device }]]),
  functions: kubernetesFunctions,
  objects: new Map([
    [
      device,
      new Map<string, CelType>([
        ['driver', string],
        ['allowMultipleAllocations', bool],
        ['attributes', mapOf(string, mapOf(string, dyn))],
        ['capacity', mapOf(string, mapOf(string, quantity))],
      ]),
    ],
  ]),
};
