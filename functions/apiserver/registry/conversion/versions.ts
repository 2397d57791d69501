import type { JsonObject, KubeObject } from '../../../../lib/api/object.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import type { Registry, RegistryEntry } from '../registry.ts';

type ConvertVersion = (
  object: JsonObject,
  apiVersion: string,
) => { object: JsonObject; schema: Schema } | undefined;

/**
 * Between the versions in which a type is served, for field managers that wrote in another one than is written in now.
 * Undefined where there is only one. An object says by its `apiVersion` which version it is in.
 */
export function versionConverter(registry: Registry, entry: RegistryEntry): ConvertVersion | undefined {
  const versions = registry.sharing(entry.storage);
  if (versions.length < 2) return undefined;
  const find = (apiVersion: unknown) => versions.find((one) => one.apiVersion === apiVersion);
  return (object, apiVersion) => {
    const source = find(object.apiVersion) ?? entry;
    const target = find(apiVersion);
    if (!target) return undefined;
    const whole = object as unknown as KubeObject;
    const stored = source.conversion ? source.conversion.toStored(whole) : whole;
    const served = target.conversion ? target.conversion.toServed(stored) : stored;
    return { object: served as unknown as JsonObject, schema: target.definition.schema };
  };
}
