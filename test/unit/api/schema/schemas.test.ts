import { describe, expect, it } from 'vitest';
import {
  builtInKinds,
  definition,
  definitionNames,
  documentation,
  schemaFor,
} from '../../../../lib/api/schemas.ts';

describe('schemas of built-in kinds', () => {
  it('are found by group, version and kind', () => {
    expect(schemaFor('', 'v1', 'Pod')?.name).toBe('io.k8s.api.core.v1.Pod');
    expect(schemaFor('apps', 'v1', 'DeploymentList')?.name).toBe('io.k8s.api.apps.v1.DeploymentList');
    expect(schemaFor('apps', 'v1', 'Pod')).toBeUndefined();
    expect(schemaFor('', 'v1', 'constructor')).toBeUndefined();
  });

  it('share their nodes, and may refer to themselves', () => {
    const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
    expect(schemaFor('', 'v1', 'Pod')?.properties?.metadata).toBe(definition(meta));
    const props = definition('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps');
    expect(props.properties?.not).toBe(props);
  });

  it('know lists, merge keys, quantities and enums', () => {
    const spec = schemaFor('', 'v1', 'Pod')?.properties?.spec;
    expect(spec?.properties?.containers).toMatchObject({
      listType: 'map',
      listMapKeys: ['name'],
      patchStrategy: ['merge'],
      patchMergeKey: 'name',
    });
    expect(spec?.properties?.restartPolicy?.enum).toEqual(['Always', 'Never', 'OnFailure']);
    const ports = schemaFor('', 'v1', 'Service')?.properties?.spec?.properties?.ports;
    expect(ports).toMatchObject({ listMapKeys: ['port', 'protocol'], patchMergeKey: 'port' });
    const container = definition('io.k8s.api.core.v1.ResourceRequirements');
    expect(container.properties?.limits?.additionalProperties?.format).toBe('quantity');
    expect(definition('io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference').mapType).toBe('atomic');
  });

  it('describe every definition and each of its fields', async () => {
    const docs = await documentation();
    for (const name of definitionNames()) {
      expect(Object.keys(docs[name]?.fields ?? {})).toEqual(Object.keys(definition(name).properties ?? {}));
    }
  });

  it('cover what the API serves', () => {
    expect(builtInKinds().length).toBeGreaterThan(130);
  });
});
