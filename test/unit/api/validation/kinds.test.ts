import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { invalid, toStatus } from '../../../../lib/api/status.ts';
import { errorText } from '../../../../lib/api/validate/field-error.ts';
import { complete, rulesOf } from '../../../support/complete.ts';

const metadata = { name: 'web', namespace: 'default' };
const container = { name: 'app', image: 'app:1' };

function errorsOf(apiVersion: string, kind: string, object: object): string[] {
  return rulesOf(apiVersion, kind)
    .validateCreate(complete(apiVersion, kind, { metadata, ...object }))
    .map(errorText);
}

function errorsOfUpdate(
  apiVersion: string,
  kind: string,
  before: object,
  change: (object: never) => void,
): string[] {
  const meta = { ...metadata, uid: 'u', resourceVersion: '1' };
  const old = complete(apiVersion, kind, { metadata: meta, ...before });
  const object = structuredClone(old);
  change(object as never);
  const rules = rulesOf(apiVersion, kind);
  rules.applyDefaults(object);
  rules.prepareForUpdate?.(object, old);
  return rules.validateUpdate(object, old).map(errorText);
}

describe('metadata', () => {
  it('has a name of the right form', () => {
    expect(errorsOf('v1', 'ConfigMap', { metadata: { namespace: 'default' } })).toEqual([
      'metadata.name: Required value: name or generateName is required',
    ]);
    expect(errorsOf('v1', 'ConfigMap', { metadata: { name: 'A_b', namespace: 'default' } })).toEqual([
      "metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ]);
  });

  it('has labels and annotations within bounds', () => {
    const annotations = { big: 'x'.repeat(256 * 1024) };
    expect(errorsOf('v1', 'ConfigMap', { metadata: { ...metadata, annotations } })).toEqual([
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
  });

  it('keeps what identifies an object', () => {
    const errors = errorsOfUpdate('v1', 'ConfigMap', {}, (object: KubeObject) => {
      object.metadata.uid = 'other';
      delete object.metadata.resourceVersion;
    });
    expect(errors).toEqual([
      'metadata.resourceVersion: Invalid value: "": must be specified for an update',
      'metadata.uid: Invalid value: "other": field is immutable',
    ]);
  });
});

describe('a Pod', () => {
  it('needs containers, and what containers need', () => {
    expect(errorsOf('v1', 'Pod', { spec: { containers: [] } })).toEqual(['spec.containers: Required value']);
    expect(errorsOf('v1', 'Pod', { spec: { containers: [{ name: '' }, container, container] } })).toEqual([
      'spec.containers[0].name: Required value',
      'spec.containers[0].image: Required value',
      'spec.containers[2].name: Duplicate value: "app"',
    ]);
  });

  it('mounts only its volumes, each place once', () => {
    const volumeMounts = [
      { name: 'data', mountPath: '/a' },
      { name: 'other', mountPath: '/a' },
    ];
    const spec = { volumes: [{ name: 'data' }], containers: [{ ...container, volumeMounts }] };
    expect(errorsOf('v1', 'Pod', { spec })).toEqual([
      'spec.containers[0].volumeMounts[1].name: Not found: "other"',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
    ]);
  });

  it('asks for no more than its limits', () => {
    const resources = { limits: { memory: '1Gi' }, requests: { memory: '2Gi' } };
    expect(errorsOf('v1', 'Pod', { spec: { containers: [{ ...container, resources }] } })).toEqual([
      'spec.containers[0].resources.requests: Invalid value: "2Gi": must be less than or equal to memory limit of 1Gi',
    ]);
  });

  it('has one handler a probe', () => {
    const livenessProbe = { exec: { command: ['x'] }, tcpSocket: { port: 1 } };
    expect(errorsOf('v1', 'Pod', { spec: { containers: [{ ...container, livenessProbe }] } })).toEqual([
      'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
    ]);
  });

  it('changes its image, and hardly anything else', () => {
    type Spec = { spec: { containers: { image: string; command?: string[] }[] } };
    const before = { spec: { containers: [container] } };
    const image = errorsOfUpdate('v1', 'Pod', before, (pod: Spec) => {
      for (const each of pod.spec.containers) each.image = 'app:2';
    });
    expect(image).toEqual([]);
    const command = errorsOfUpdate('v1', 'Pod', before, (pod: Spec) => {
      for (const each of pod.spec.containers) each.command = ['sh'];
    });
    expect(command).toHaveLength(1);
    expect(command[0]).toMatch(
      /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,.*\n@@ -1,6 \+1,9 @@\n/,
    );
    expect(command[0]).toContain('\n+   "command": [\n');
  });
});

describe('a Deployment', () => {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };

  it('selects the pods of its template', () => {
    const selector = { matchLabels: { app: 'other' } };
    expect(errorsOf('apps/v1', 'Deployment', { spec: { replicas: -1, selector, template } })).toEqual([
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ]);
    expect(errorsOf('apps/v1', 'Deployment', { spec: { template } })).toContain(
      'spec.selector: Required value',
    );
  });

  it('keeps its selector', () => {
    const selector = { matchLabels: { app: 'web' } };
    const errors = errorsOfUpdate(
      'apps/v1',
      'Deployment',
      { spec: { selector, template } },
      (deployment: { spec: { selector: object } }) => {
        deployment.spec.selector = { matchExpressions: [{ key: 'app', operator: 'Exists' }] };
      },
    );
    expect(errors).toEqual([
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is immutable',
    ]);
  });
});

describe('a Service', () => {
  it('has ports that can be told apart', () => {
    const ports = [
      { name: 'a', port: 80 },
      { name: 'a', port: 80 },
    ];
    expect(errorsOf('v1', 'Service', { spec: { ports } })).toEqual([
      'spec.ports[1].name: Duplicate value: "a"',
      'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}',
    ]);
  });

  it('keeps its address', () => {
    const before = { spec: { ports: [{ port: 80 }], clusterIP: '10.96.0.9' } };
    const errors = errorsOfUpdate('v1', 'Service', before, (service: { spec: { clusterIP: string } }) => {
      service.spec.clusterIP = '10.96.0.10';
    });
    expect(errors).toEqual(['spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set']);
  });
});

describe('immutable data', () => {
  it('stays as it is', () => {
    const before = { immutable: true, data: { a: '1' } };
    const errors = errorsOfUpdate('v1', 'ConfigMap', before, (map: { data: object; immutable?: boolean }) => {
      map.data = { a: '2' };
      delete map.immutable;
    });
    expect(errors).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
  });
});

describe('the answer', () => {
  it('lists every error as a cause', () => {
    const pod = complete('v1', 'Pod', { metadata, spec: { containers: [{ name: '' }] } });
    const { code, status } = toStatus(
      invalid({ group: '', kind: 'Pod' }, 'web', rulesOf('v1', 'Pod').validateCreate(pod)),
    );
    expect(code).toBe(422);
    expect(status).toMatchObject({
      reason: 'Invalid',
      message:
        'Pod "web" is invalid: [spec.containers[0].name: Required value, spec.containers[0].image: Required value]',
      details: {
        name: 'web',
        kind: 'Pod',
        causes: [
          { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.containers[0].name' },
          { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.containers[0].image' },
        ],
      },
    });
  });
});
