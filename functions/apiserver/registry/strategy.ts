/**
 * What a kind does differently from the others when it is written: upstream's `RESTCreateStrategy`,
 * `RESTUpdateStrategy` and `RESTDeleteStrategy` of each kind, in one table.
 */
import type { DeleteOptions } from '../../../lib/api/gen/types.ts';
import type { JsonObject, KubeObject } from '../../../lib/api/object.ts';
import type { ResourceDefinition } from './definition.ts';
import { namespaceStrategy } from './strategies/namespace.ts';
import { podStrategy } from './strategies/pod.ts';

/** An object whose kind is known only at run time. */
export type AnyObject = KubeObject & { spec?: JsonObject; status?: JsonObject; [field: string]: unknown };

export interface Strategy {
  /** Whether `metadata.generation` counts changes of what is asked for. */
  hasGeneration: boolean;
  /** A main-path write keeps the stored status; set where there is a status subresource. */
  hasStatus: boolean;
  /** A PUT of a name that there is not creates it. */
  allowCreateOnUpdate: boolean;
  /** A PUT without `resourceVersion` overwrites whatever is there. */
  allowUnconditionalUpdate: boolean;
  /** DELETE answers with the object that is gone rather than with a Status. */
  returnsDeletedObject: boolean;
  /** Fields of the object that only the server sets. Changes the object in place. */
  prepareForCreate(object: AnyObject, nowMs: number): void;
  prepareForUpdate(next: AnyObject, current: AnyObject): void;
  prepareForStatusUpdate(next: AnyObject, current: AnyObject): void;
  /** The seconds that a deletion waits for someone to finish it; undefined where kinds are deleted at once. */
  gracePeriodSeconds?(object: AnyObject, options: DeleteOptions): number;
}

const withGeneration = new Set(['Pod', 'Deployment', 'ReplicaSet', 'EndpointSlice']);
const createdOnUpdate = new Set(['Endpoints', 'Event', 'Lease', 'Service']);
const conditionalOnly = new Set(['Lease']);
const deletedReturned = new Set(['Pod', 'Service', 'ServiceAccount']);

export function strategyFor(definition: ResourceDefinition): Strategy {
  const { kind } = definition;
  const hasStatus = definition.subresources.some(({ name }) => name === 'status');
  const base: Strategy = {
    hasGeneration: withGeneration.has(kind),
    hasStatus,
    allowCreateOnUpdate: createdOnUpdate.has(kind),
    allowUnconditionalUpdate: !conditionalOnly.has(kind),
    returnsDeletedObject: deletedReturned.has(kind),
    prepareForCreate(object) {
      // A Node may bring its status along: kubelets register so.
      if (hasStatus && kind !== 'Node') delete object.status;
      if (['Deployment', 'ReplicaSet', 'ServiceCIDR'].includes(kind)) object.status = {};
      if (kind === 'Service') object.status = { loadBalancer: {} };
    },
    prepareForUpdate(next, current) {
      if (hasStatus) copyField(next, current, 'status');
    },
    prepareForStatusUpdate(next, current) {
      copyField(next, current, 'spec');
      next.metadata.ownerReferences = current.metadata.ownerReferences;
      if (definition.group === 'apps') next.metadata.labels = current.metadata.labels;
    },
  };
  if (kind === 'Pod') return podStrategy(base);
  if (kind === 'Namespace') return namespaceStrategy(base);
  return base;
}

/** Whether something that `metadata.generation` counts differs: everything but metadata and status. */
export function specChanged(next: AnyObject, current: AnyObject): boolean {
  const rest = ({ metadata, status, kind, apiVersion, ...others }: AnyObject) => JSON.stringify(sorted(others));
  return rest(next) !== rest(current);
}

export function copyField(to: AnyObject, from: AnyObject, field: string): void {
  if (from[field] === undefined) delete to[field];
  else to[field] = from[field];
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}
