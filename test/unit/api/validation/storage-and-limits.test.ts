import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { errorText } from '../../../../lib/api/validate/field-error.ts';
import { complete, rulesOf } from '../../../support/complete.ts';

const named = (name: string, namespace?: string) => ({ metadata: { name, ...(namespace && { namespace }) } });

function errorsOf(apiVersion: string, kind: string, object: object): string[] {
  return rulesOf(apiVersion, kind)
    .validateCreate(complete(apiVersion, kind, object))
    .map(errorText);
}

function errorsOfUpdate(apiVersion: string, kind: string, before: object, after: object): string[] {
  const meta = { uid: 'u', resourceVersion: '1' };
  const make = (object: object) => {
    const one = complete(apiVersion, kind, object);
    Object.assign(one.metadata, meta);
    return one;
  };
  const [old, next] = [make(before), make(after)];
  const rules = rulesOf(apiVersion, kind);
  // As the store has it: what an update cannot say is carried over.
  Object.assign(old, { status: (before as { status?: object }).status ?? old['status'] });
  rules.prepareForUpdate?.(next, old);
  return rules.validateUpdate(next as KubeObject, old).map(errorText);
}

describe('roles', () => {
  const rbac = 'rbac.authorization.k8s.io/v1';

  it('are about resources or about URLs', () => {
    const rule = { verbs: ['get'], nonResourceURLs: ['/healthz'], resources: ['pods'] };
    expect(errorsOf(rbac, 'Role', { ...named('system:x', 'default'), rules: [rule] })).toEqual([
      'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs',
      'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: rules cannot apply to both regular resources and non-resource URLs',
    ]);
    expect(errorsOf(rbac, 'ClusterRole', { ...named('x/y'), aggregationRule: {} })).toEqual([
      'metadata.name: Invalid value: "x/y": may not contain \'/\'',
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ]);
  });

  it('are granted to subjects of three kinds, and always the same role', () => {
    const subjects = [
      { kind: 'Robot', name: 'r' },
      { kind: 'ServiceAccount', name: 'builder' },
      { kind: 'User', name: '' },
    ];
    const binding = (name: string) => ({
      ...named('b'),
      roleRef: { kind: 'ClusterRole', name },
      subjects: [],
    });
    expect(errorsOf(rbac, 'ClusterRoleBinding', { ...binding('view'), subjects })).toEqual([
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
      'subjects[1].namespace: Required value',
      'subjects[2].name: Required value',
      'subjects[2].name: Invalid value: "": user name cannot be empty',
    ]);
    expect(errorsOfUpdate(rbac, 'ClusterRoleBinding', binding('view'), binding('admin'))).toEqual([
      'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"admin"}: cannot change roleRef',
    ]);
  });
});

describe('persistent volumes', () => {
  const volume = (spec: object) => ({
    ...named('pv'),
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
  });

  it('have exactly one source', () => {
    expect(errorsOf('v1', 'PersistentVolume', volume({}))).toEqual([
      'spec: Required value: must specify a volume type',
    ]);
    const two = { nfs: { server: 's', path: '/p' }, hostPath: { path: '/data' } };
    expect(errorsOf('v1', 'PersistentVolume', volume(two))).toEqual([
      'spec.nfs: Forbidden: may not specify more than 1 volume type',
    ]);
    const local = { local: { path: '/data/../x' }, accessModes: ['ReadWriteOncePod', 'ReadOnlyMany'] };
    expect(errorsOf('v1', 'PersistentVolume', volume(local))).toEqual([
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
      'spec.local.path: Invalid value: "/data/../x": must not contain \'..\'',
      'spec.nodeAffinity: Required value: Local volume requires node affinity',
    ]);
  });

  it('keep their source, and may be given a secret for growing', () => {
    const csi = { driver: 'd.example.com', volumeHandle: 'h' };
    const controllerExpandSecretRef = { name: 's', namespace: 'n' };
    const grown = volume({ csi: { ...csi, controllerExpandSecretRef } });
    expect(errorsOfUpdate('v1', 'PersistentVolume', volume({ csi }), grown)).toEqual([]);
    const moved = volume({ csi: { ...csi, volumeHandle: 'other' } });
    const [error = ''] = errorsOfUpdate('v1', 'PersistentVolume', volume({ csi }), moved);
    expect(error).toContain(
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n',
    );
  });

  it('warn of what is out of use', () => {
    const object = complete('v1', 'PersistentVolume', {
      ...volume({ glusterfs: { endpoints: 'e', path: 'p' }, persistentVolumeReclaimPolicy: 'Recycle' }),
    });
    expect(rulesOf('v1', 'PersistentVolume').warnings?.(object, undefined)).toEqual([
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      'spec.glusterfs: deprecated in v1.25, non-functional in v1.26+',
    ]);
  });
});

describe('persistent volume claims', () => {
  const claim = (spec: object = {}, more: object = {}) => ({
    ...named('data', 'default'),
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec },
    ...more,
  });
  const bound = { status: { phase: 'Bound', capacity: { storage: '1Gi' } } };

  it('may grow once they are bound, and shrink to more than they have', () => {
    const sized = (storage: string) => claim({ resources: { requests: { storage } } });
    expect(errorsOfUpdate('v1', 'PersistentVolumeClaim', claim({}, bound), sized('3Gi'))).toEqual([]);
    expect(errorsOfUpdate('v1', 'PersistentVolumeClaim', claim({}, bound), sized('1500Mi'))).toEqual([]);
    expect(errorsOfUpdate('v1', 'PersistentVolumeClaim', claim({}, bound), sized('1Gi'))).toEqual([
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    ]);
    const [unbound = ''] = errorsOfUpdate('v1', 'PersistentVolumeClaim', claim(), sized('3Gi'));
    expect(unbound).toContain('spec is immutable after creation except resources.requests');
  });

  it('are filled from what either field says', () => {
    const source = { kind: 'PersistentVolumeClaim', name: 'other' };
    const copied = complete('v1', 'PersistentVolumeClaim', claim({ dataSource: source }));
    expect(copied['spec']).toMatchObject({ dataSource: source, dataSourceRef: source });
    const ignored = complete(
      'v1',
      'PersistentVolumeClaim',
      claim({ dataSource: { apiGroup: 'example.com', kind: 'Seed', name: 's' } }),
    );
    expect(ignored['spec']).not.toHaveProperty('dataSource');
  });
});

describe('resource quotas', () => {
  const quota = (spec: object) => ({ ...named('q', 'default'), spec });

  it('limit what can be counted, whole where it is counted', () => {
    const hard = {
      pods: '1.5',
      'requests.hugepages-2Mi': '1Gi',
      'count/jobs.batch': '1',
      storage: '1',
      odd: '1',
    };
    expect(errorsOf('v1', 'ResourceQuota', quota({ hard }))).toEqual([
      'spec.hard[pods]: Invalid value: "1500m": must be an integer',
      'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
      'spec.hard[odd]: Invalid value: "odd": must be a standard resource type or fully qualified',
      'spec.hard[odd]: Invalid value: "odd": must be a standard resource for quota',
    ]);
  });

  it('have scopes that fit each other and the resources, for good', () => {
    const scopes = ['BestEffort', 'NotBestEffort'];
    expect(errorsOf('v1', 'ResourceQuota', quota({ hard: { cpu: '1' }, scopes }))).toEqual([
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
    ]);
    const before = quota({ hard: { pods: '1' }, scopes: ['BestEffort'] });
    expect(errorsOfUpdate('v1', 'ResourceQuota', before, quota({ hard: { pods: '1' } }))).toEqual([
      'spec.scopes: Invalid value: null: field is immutable',
    ]);
  });
});

describe('limit ranges', () => {
  it('have amounts that stand in order', () => {
    const item = {
      type: 'Container',
      min: { cpu: '200m' },
      max: { cpu: '100m' },
      default: { memory: '1Gi' },
      defaultRequest: { memory: '2Gi' },
      maxLimitRequestRatio: { 'ephemeral-storage': '500m' },
    };
    const errors = errorsOf('v1', 'LimitRange', { ...named('l', 'default'), spec: { limits: [item] } });
    expect(errors).toContain(
      'spec.limits[0].min[cpu]: Invalid value: "200m": min value 200m is greater than max value 100m',
    );
    expect(errors).toContain(
      'spec.limits[0].defaultRequest[memory]: Invalid value: "2Gi": default request value 2Gi is greater than default limit value 1Gi',
    );
    expect(errors).toContain(
      'spec.limits[0].maxLimitRequestRatio[ephemeral-storage]: Invalid value: "500m": ratio 500m is less than 1',
    );
  });

  it('fill in what follows, and a name', () => {
    const range = complete('v1', 'LimitRange', {
      metadata: { namespace: 'default' },
      spec: { limits: [{ type: 'Container', max: { cpu: '1' }, min: { memory: '1Mi' } }] },
    });
    expect(range.metadata.name).toMatch(/^[0-9a-f-]{36}$/);
    expect(range['spec']).toEqual({
      limits: [
        {
          type: 'Container',
          max: { cpu: '1' },
          min: { memory: '1Mi' },
          default: { cpu: '1' },
          defaultRequest: { cpu: '1', memory: '1Mi' },
        },
      ],
    });
  });
});
