import { describe, expect, it } from 'vitest';
import {
  applySpec,
  create,
  deployment,
  managersOf,
  owned,
  podTemplate,
  stored,
  t0,
  time,
  update,
} from './deployments.ts';

const template = podTemplate({ name: 'web', image: 'web:1' });
const base = { replicas: 1, selector: { matchLabels: { app: 'web' } }, template };

describe('server-side apply', () => {
  it('creates, and claims what it says', () => {
    const object = applySpec(undefined, base, 'me');
    expect(object.spec).toEqual(base);
    expect(managersOf(object)).toEqual([`me Apply ${time(0)}`]);
    expect(owned(object, 'me')).toEqual({
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
        },
      },
    });
  });

  it('changes nothing, not even a time, when applied again', () => {
    const object = applySpec(undefined, base, 'me');
    expect(applySpec(object, base, 'me', { now: t0 + 60_000 })).toBe(object);
  });

  it('takes away what it does not say any more', () => {
    const sidecar = { name: 'sidecar', image: 's:1' };
    const both = { ...base, template: podTemplate({ name: 'web', image: 'web:1', command: ['x'] }, sidecar) };
    const object = applySpec(undefined, both, 'me');
    const less = applySpec(object, { selector: base.selector, template }, 'me');
    expect(less.spec).toEqual({ selector: base.selector, template });
  });

  it('leaves what others own beside it', () => {
    const object = applySpec(undefined, base, 'me');
    const scaled = update(
      object,
      {
        ...object,
        spec: { ...object.spec, replicas: 3 },
        metadata: { ...object.metadata, labels: { by: 'hand' } },
      },
      'hpa',
      1,
    );
    const { replicas: _, ...rest } = base;
    const again = applySpec(scaled, rest, 'me', { now: t0 + 2000 });
    expect(again.spec.replicas).toBe(3);
    expect(again.metadata.labels).toEqual({ by: 'hand' });
  });

  it('shares what two agree on, until both let go', () => {
    const first = applySpec(undefined, base, 'a');
    const shared = applySpec(first, { replicas: 1 }, 'b');
    expect(owned(shared, 'b')).toEqual({ 'f:spec': { 'f:replicas': {} } });
    const { replicas: _, ...rest } = base;
    const one = applySpec(shared, rest, 'a');
    expect(one.spec.replicas).toBe(1);
    const applied = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };
    const none = applySpec(one, {}, 'b', { applied });
    expect(none.spec.replicas).toBeUndefined();
    expect(managersOf(none)).toEqual([`a Apply ${time(0)}`]);
  });

  it('conflicts with other values of others', () => {
    const live = create(deployment(base), 'kubectl-client-side-apply');
    expect(() => applySpec(live, { replicas: 2 }, 'me')).toThrow(
      expect.objectContaining({
        kind: 'Conflict',
        message:
          'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
        details: {
          causes: [
            {
              reason: 'FieldManagerConflict',
              message: 'conflict with "kubectl-client-side-apply" using apps/v1',
              field: '.spec.replicas',
            },
          ],
        },
      }),
    );
  });

  it('lists several conflicts by manager', () => {
    let live = applySpec(undefined, base, 'b');
    live = update(live, { ...live, status: { replicas: 1 } }, 'controller', 1, 'status');
    const scaled = update(live, { ...live, spec: { ...live.spec, replicas: 3 } }, 'a', 1, 'scale');
    const changed = { ...base, replicas: 2, template: podTemplate({ name: 'web', image: 'web:2' }) };
    expect(() => applySpec(scaled, changed, 'me')).toThrow(
      [
        'Apply failed with 2 conflicts: conflicts with "a" with subresource "scale" using apps/v1:',
        '- .spec.replicas',
        'conflicts with "b":',
        '- .spec.template.spec.containers[name="web"].image',
      ].join('\n'),
    );
  });

  it('takes over by force', () => {
    const live = applySpec(undefined, base, 'a');
    const forced = applySpec(live, { replicas: 2 }, 'b', { force: true });
    expect(forced.spec.replicas).toBe(2);
    expect(owned(forced, 'b')).toEqual({ 'f:spec': { 'f:replicas': {} } });
    expect(owned(forced, 'a')).not.toHaveProperty(['f:spec', 'f:replicas']);
  });

  it('gives what nobody tracked to before-first-apply', () => {
    const live = stored(deployment(base));
    const object = applySpec(live, { replicas: 1 }, 'me');
    expect(managersOf(object)).toEqual([`me Apply ${time(0)}`, `before-first-apply Update ${time(0)}`]);
  });

  it('takes over from client-side apply what that set and nobody changed', () => {
    const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
    const applied = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: base,
    };
    const annotations = { [annotation]: JSON.stringify(applied) };
    const live = create(deployment(base, { annotations }), 'kubectl-client-side-apply');
    const taken = applySpec(live, { ...base, replicas: 5 }, 'kubectl');
    expect(taken.spec.replicas).toBe(5);
    const written = JSON.parse(taken.metadata.annotations?.[annotation] ?? '') as { spec: object };
    expect(written.spec).toEqual({ ...base, replicas: 5 });
    expect(() => applySpec(live, { ...base, replicas: 5 }, 'someone')).toThrow(
      'Apply failed with 1 conflict',
    );

    const scaled = update(live, { ...live, spec: { ...live.spec, replicas: 3 } }, 'hpa', 1);
    expect(() => applySpec(scaled, { ...base, replicas: 5 }, 'kubectl')).toThrow(
      'Apply failed with 1 conflict: conflict with "hpa" using apps/v1: .spec.replicas',
    );
  });

  it('orders lists as it says, and keeps the place of what it does not name', () => {
    const names = (object: { spec: unknown }) =>
      (
        object.spec as { template: { spec: { containers: { name: string }[] } } }
      ).template.spec.containers.map(({ name }) => name);
    const containers = (...all: string[]) => ({
      ...base,
      template: podTemplate(...all.map((name) => ({ name, image: 'i' }))),
    });
    const live = create(deployment(containers('a', 'b', 'c')), 'x');
    expect(names(applySpec(live, containers('c', 'a'), 'me'))).toEqual(['b', 'c', 'a']);
    expect(names(applySpec(live, containers('d', 'b'), 'me'))).toEqual(['a', 'd', 'b', 'c']);
  });

  it('drops what is null', () => {
    const object = applySpec(
      undefined,
      { ...base, paused: null, template: { ...template, metadata: null } },
      'me',
    );
    expect(object.spec).toEqual({ ...base, template: { spec: template.spec } });
  });

  it('does not own the status on the main endpoint', () => {
    const live = create(deployment(base), 'x');
    const applied = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas: 1 },
      status: { replicas: 7 },
    };
    expect(owned(applySpec(live, {}, 'me', { applied }), 'me')).toEqual({ 'f:spec': { 'f:replicas': {} } });
  });

  it.each([
    [{ kind: 'Pod' }, 'invalid object type: apps/v1, Kind=Pod'],
    [{ apiVersion: 'v1' }, 'invalid object type: v1, Kind=Deployment'],
    [{ metadata: { name: 'web', managedFields: [] } }, 'metadata.managedFields must be nil'],
    [
      { spec: { foo: 1 } },
      'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema',
    ],
    [
      { spec: { replicas: '1' } },
      'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string',
    ],
    [
      { spec: { template: podTemplate({ name: 'a' }, { name: 'a' }) } },
      'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: duplicate entries for key [name="a"]',
    ],
    [
      { spec: { template: podTemplate({ image: 'a' }), paused: 'no' } },
      [
        'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): errors:',
        '  .spec.template.spec.containers: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
        '  .spec.paused: expected boolean, got string',
      ].join('\n'),
    ],
  ])('refuses %j', (part, message) => {
    const applied = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      ...part,
    };
    expect(() => applySpec(undefined, {}, 'me', { applied })).toThrow(
      expect.objectContaining({ kind: 'BadRequest', message }),
    );
  });
});
