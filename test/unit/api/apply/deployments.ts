import { apply, type ApplyRequest, ignoredFields, updateManagers } from '../../../../lib/api/apply/index.ts';
import type { JsonObject, KubeObject } from '../../../../lib/api/object.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';

export type Deployment = KubeObject & { spec: JsonObject; status?: JsonObject };

export const schema = schemaFor('apps', 'v1', 'Deployment') as Schema;
export const t0 = Date.UTC(2026, 0, 1);
export const time = (seconds: number) => new Date(t0 + seconds * 1000).toISOString().replace('.000', '');

/** As it is stored: with a uid, so that it counts as live. */
export function deployment(spec: JsonObject, metadata: object = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', ...metadata },
    spec,
  };
}

export function stored(object: Deployment): Deployment {
  const metadata = { uid: '1', resourceVersion: '1', creationTimestamp: time(0), ...object.metadata };
  return structuredClone({ ...object, metadata });
}

export function create(object: Deployment, manager: string, seconds = 0): Deployment {
  return stored(
    updateManagers({
      live: undefined,
      updated: object,
      manager,
      apiVersion: 'apps/v1',
      schema,
      ignored: ignoredFields(undefined, true),
      now: t0 + seconds * 1000,
    }),
  );
}

export function update(
  live: Deployment,
  updated: Deployment,
  manager: string,
  seconds: number,
  subresource?: string,
): Deployment {
  return updateManagers({
    live,
    updated,
    manager,
    apiVersion: 'apps/v1',
    schema,
    ignored: ignoredFields(subresource, true),
    now: t0 + seconds * 1000,
    ...(subresource && { subresource }),
  });
}

export function applySpec(
  live: Deployment | undefined,
  spec: JsonObject,
  manager: string,
  options: Partial<ApplyRequest<Deployment>> = {},
): Deployment {
  const applied = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec,
  };
  const result = apply<Deployment>({
    live,
    applied,
    manager,
    force: false,
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    schema,
    ignored: ignoredFields(undefined, true),
    now: t0,
    ...options,
  });
  return live ? result : stored(result);
}

export function podTemplate(...containers: JsonObject[]): JsonObject {
  return { metadata: { labels: { app: 'web' } }, spec: { containers } };
}

/** The fields of one manager as text, one path a line. */
export function owned(object: KubeObject, manager: string, operation?: string): unknown {
  return object.metadata.managedFields?.find(
    (entry) => entry.manager === manager && (!operation || entry.operation === operation),
  )?.fieldsV1;
}

export function managersOf(object: KubeObject): string[] {
  return (object.metadata.managedFields ?? []).map(
    ({ manager, operation, time: at, subresource }) =>
      `${manager} ${operation}${subresource ? ` ${subresource}` : ''} ${at ?? '-'}`,
  );
}
