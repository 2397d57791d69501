import { describe, expect, it } from 'vitest';
import { ignoredFields, managerName, updateManagers } from '../../../../lib/api/apply/index.ts';
import {
  create,
  deployment,
  managersOf,
  owned,
  podTemplate,
  schema,
  t0,
  time,
  update,
} from './deployments.ts';

const spec = () => ({
  replicas: 1,
  selector: { matchLabels: { app: 'web' } },
  strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' }, type: 'RollingUpdate' },
  template: podTemplate({
    name: 'web',
    image: 'web:1',
    resources: {},
    terminationMessagePath: '/dev/termination-log',
  }),
});

describe('managedFields after a create or an update', () => {
  it('give the creator every field but those of the system', () => {
    const object = create(deployment(spec(), { labels: { app: 'web' } }), 'kubectl-create');
    expect(object.metadata.managedFields).toEqual([
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'apps/v1',
        time: time(0),
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:strategy': {
              'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} },
              'f:type': {},
            },
            'f:template': {
              'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"web"}': {
                    '.': {},
                    'f:image': {},
                    'f:name': {},
                    'f:resources': {},
                    'f:terminationMessagePath': {},
                  },
                },
              },
            },
          },
        },
      },
    ]);
  });

  it('hand over what another changes, and forget what is removed', () => {
    const live = create(deployment(spec(), { labels: { app: 'web' } }), 'a');
    const changed = update(
      live,
      { ...live, metadata: { ...live.metadata, labels: {} }, spec: { ...live.spec, replicas: 3 } },
      'b',
      5,
    );
    expect(managersOf(changed)).toEqual([`a Update ${time(0)}`, `b Update ${time(5)}`]);
    expect(owned(changed, 'b')).toEqual({ 'f:spec': { 'f:replicas': {} } });
    expect(owned(changed, 'a')).not.toHaveProperty(['f:spec', 'f:replicas']);
    expect(owned(changed, 'a')).toHaveProperty(['f:metadata', 'f:labels'], {});
  });

  it('stay the very same when nothing changes, time included', () => {
    const live = create(deployment(spec()), 'a');
    const again = update(live, structuredClone(live), 'b', 5);
    expect(again.metadata.managedFields).toBe(live.metadata.managedFields);
  });

  it('keep a subresource apart, and leave out what its endpoint resets', () => {
    const live = create(deployment(spec()), 'a');
    const updated = {
      ...live,
      status: { observedGeneration: 1, replicas: 1 },
      spec: { ...live.spec, replicas: 9 },
    };
    const changed = update(live, updated, 'controller', 5, 'status');
    expect(managersOf(changed)).toEqual([`a Update ${time(0)}`, `controller Update status ${time(5)}`]);
    expect(owned(changed, 'controller')).toEqual({
      'f:status': { 'f:observedGeneration': {}, 'f:replicas': {} },
    });
    expect(owned(changed, 'a')).toEqual(owned(live, 'a'));
  });

  it('merge old updaters when there are more than ten', () => {
    let live = create(deployment(spec()), 'm0');
    for (let n = 1; n <= 12; n++) {
      const labels = { ...live.metadata.labels, [`l${n}`]: 'x' };
      live = update(live, { ...live, metadata: { ...live.metadata, labels } }, `m${n}`, n);
    }
    expect(managersOf(live)).toEqual([
      `ancient-changes Update ${time(3)}`,
      ...Array.from({ length: 9 }, (_, index) => `m${index + 4} Update ${time(index + 4)}`),
    ]);
    expect(live.metadata.managedFields).toHaveLength(10);
  });

  it('can be reset by the client', () => {
    const live = create(deployment(spec()), 'a');
    for (const managedFields of [[], [{}]]) {
      const updated = { ...live, metadata: { ...live.metadata, managedFields } };
      expect(update(live, updated, 'b', 5).metadata.managedFields).toBeUndefined();
    }
  });

  it('cannot be lost by a client that does not know them, or sends nonsense', () => {
    const live = create(deployment(spec()), 'a');
    const { managedFields, ...metadata } = live.metadata;
    expect(update(live, { ...live, metadata }, 'b', 5).metadata.managedFields).toEqual(managedFields);
    const nonsense = [{ operation: 'Jump', manager: 'x' }];
    const updated = { ...live, metadata: { ...metadata, managedFields: nonsense } };
    expect(update(live, updated, 'b', 5).metadata.managedFields).toEqual(managedFields);
  });

  it('can be changed by a client that does', () => {
    const live = create(deployment(spec()), 'a');
    const entry = {
      manager: 'c',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    };
    const updated = { ...live, metadata: { ...live.metadata, managedFields: [entry] } };
    expect(update(live, updated, 'b', 5).metadata.managedFields).toEqual([entry]);
  });

  it('do not begin on an object that was never tracked', () => {
    const live = deployment(spec(), { uid: '1' });
    const changed = update(live, { ...live, spec: { ...live.spec, replicas: 2 } }, 'a', 1);
    expect(changed.metadata.managedFields).toBeUndefined();
  });

  it('are quick to keep', () => {
    const object = create(
      deployment({
        ...spec(),
        template: podTemplate(
          ...Array.from({ length: 4 }, (_, n) => ({
            name: `c${n}`,
            image: 'i',
            env: [
              { name: 'A', value: '1' },
              { name: 'B', value: '2' },
            ],
            ports: [{ containerPort: 80, protocol: 'TCP' }],
            resources: {},
          })),
        ),
      }),
      'a',
    );
    const ignored = ignoredFields(undefined, true);
    const updated = structuredClone({ ...object, spec: { ...object.spec, replicas: 5 } });
    const run = () =>
      updateManagers({
        live: object,
        updated,
        manager: 'b',
        apiVersion: 'apps/v1',
        schema,
        ignored,
        now: t0,
      });
    for (let n = 0; n < 500; n++) run();
    const start = performance.now();
    for (let n = 0; n < 500; n++) run();
    // The figure is for people; the limit only catches what grew out of all proportion.
    expect((performance.now() - start) / 500).toBeLessThan(5);
  });
});

describe('the name of a manager', () => {
  it('is the one given, or what stands before the slash of the user agent', () => {
    expect(managerName('me', 'kubectl/v1')).toBe('me');
    expect(managerName(undefined, 'kubectl/v1.36 (linux)')).toBe('kubectl');
    expect(managerName('', `a\u0000b${'x'.repeat(200)}/1`)).toBe(`ab${'x'.repeat(126)}`);
    expect(managerName(undefined, undefined)).toBe('');
  });
});
