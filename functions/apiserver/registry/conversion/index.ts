import type { KubeObject } from '../../../../lib/api/object.ts';
import type { ResourceDefinition } from '../definition.ts';
import { horizontalPodAutoscalerConversion } from './autoscaling.ts';
import { eventConversion } from './events.ts';

/** Between the form in which objects are stored and another one in which they are served. Both ways lose nothing. */
export interface Conversion {
  toServed(stored: KubeObject): KubeObject;
  toStored(served: KubeObject): KubeObject;
}

const conversions: Readonly<Record<string, Conversion>> = {
  'autoscaling/v1/HorizontalPodAutoscaler': horizontalPodAutoscalerConversion,
  'events.k8s.io/v1/Event': eventConversion,
};

/** Undefined where the served form is the stored one. */
export function conversionFor(definition: ResourceDefinition): Conversion | undefined {
  if (!definition.storedAs) return undefined;
  const name = `${definition.group}/${definition.version}/${definition.kind}`;
  const conversion = conversions[name];
  if (!conversion) throw new Error(`no conversion between ${name} and the form it is stored in`);
  return conversion;
}
