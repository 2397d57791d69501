import { expect, it } from 'vitest';
import { errorText } from '../../../../lib/api/validate/field-error.ts';
import { complete, rulesOf } from '../../../support/complete.ts';

const v1 = 'networking.k8s.io/v1';
const metadata = { name: 'web', namespace: 'default' };

function errorsOf(kind: string, object: object): string[] {
  return rulesOf(v1, kind)
    .validateCreate(complete(v1, kind, { metadata, ...object }))
    .map(errorText);
}

function errorsOfUpdate(kind: string, before: object, after: object): string[] {
  const meta = { ...metadata, uid: 'u', resourceVersion: '1' };
  const old = complete(v1, kind, { metadata: meta, ...before });
  return rulesOf(v1, kind)
    .validateUpdate(complete(v1, kind, { metadata: meta, ...after }), old)
    .map(errorText);
}

const backend = { service: { name: 'web', port: { number: 80 } } };
const ingress = (path: object, host = 'a.example.com') => ({
  spec: { rules: [{ host, http: { paths: [{ backend, ...path }] } }] },
});
const ofPath = (message: string) => [`spec.rules[0].http.paths[0].${message}`];

it.each([
  [{ spec: {} }, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
  [ingress({ path: '/', pathType: 'Prefix' }), []],
  [ingress({ path: '/' }), ofPath('pathType: Required value: pathType must be specified')],
  [
    ingress({ path: '/', pathType: 'Regex' }),
    ofPath(
      'pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"',
    ),
  ],
  [ingress({ path: 'a', pathType: 'Exact' }), ofPath('path: Invalid value: "a": must be an absolute path')],
  [
    ingress({ path: '/a//b', pathType: 'Prefix' }),
    ofPath(`path: Invalid value: "/a//b": must not contain '//'`),
  ],
  [
    ingress({ path: '/a/..', pathType: 'Prefix' }),
    ofPath(`path: Invalid value: "/a/..": cannot end with '/..'`),
  ],
  [
    ingress({ path: '/', pathType: 'Prefix' }, '10.0.0.1'),
    ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
  ],
  [
    { spec: { defaultBackend: {} } },
    ['spec.defaultBackend: Invalid value: "": resource or service backend is required'],
  ],
  [
    { spec: { defaultBackend: { service: { name: 'a', port: { name: 'x', number: 1 } } } } },
    ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number'],
  ],
  [
    { spec: { defaultBackend: { service: { name: 'a' } } } },
    ['spec.defaultBackend: Required value: port name or number is required'],
  ],
  [
    { spec: { defaultBackend: { ...backend, resource: { kind: 'A', name: 'b' } } } },
    ['spec.defaultBackend: Invalid value: "": cannot set both resource and service backends'],
  ],
  [
    {
      metadata: { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'a' } },
      spec: { defaultBackend: backend, ingressClassName: 'b' },
    },
    [
      'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified',
    ],
  ],
])('Ingress %j', (object, errors) => {
  expect(errorsOf('Ingress', object)).toEqual(errors);
});

it('lets an Ingress keep what an older release let in', () => {
  const tls = { spec: { defaultBackend: backend, tls: [{ secretName: 'Not_A_Name' }] } };
  expect(errorsOf('Ingress', tls)).toHaveLength(1);
  expect(errorsOfUpdate('Ingress', tls, tls)).toEqual([]);
});

it('warns of the annotation that once chose the class', () => {
  const annotations = { 'kubernetes.io/ingress.class': 'a' };
  const object = complete(v1, 'Ingress', {
    metadata: { ...metadata, annotations },
    spec: { defaultBackend: backend },
  });
  expect(rulesOf(v1, 'Ingress').warnings?.(object, undefined)).toEqual([
    `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
  ]);
});

const classNamed = (spec: object) => ({ metadata: { name: 'web' }, spec });

it.each([
  [{ controller: 'example.com/controller' }, []],
  [{}, ['spec.controller: Required value']],
  [
    { controller: 'controller' },
    ['spec.controller: Invalid value: "controller": must be a domain-prefixed path (such as "acme.io/foo")'],
  ],
  [
    { controller: 'a.b/c', parameters: { kind: 'A', name: 'b', scope: 'Cluster', namespace: 'n' } },
    ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
  ],
  [
    { controller: 'a.b/c', parameters: { kind: 'A', name: 'b', scope: 'Namespace' } },
    ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
  ],
])('IngressClass %j', (spec, errors) => {
  expect(errorsOf('IngressClass', classNamed(spec))).toEqual(errors);
});

it('keeps the controller of an IngressClass', () => {
  const rules = rulesOf(v1, 'IngressClass');
  const named = (controller: string) =>
    complete(v1, 'IngressClass', { metadata: { name: 'web', resourceVersion: '1' }, spec: { controller } });
  expect(rules.validateUpdate(named('a.b/d'), named('a.b/c')).map(errorText)).toEqual([
    'spec.controller: Invalid value: "a.b/d": field is immutable',
  ]);
});

const policy = (ingressRule: object) => ({ spec: { ingress: [ingressRule] } });
const port = (one: object) => policy({ ports: [one] });
const block = (ipBlock: object) => policy({ from: [{ ipBlock }] });

it.each([
  [{ spec: {} }, []],
  [port({ port: 80, endPort: 90 }), []],
  [
    port({ port: 80, endPort: 70 }),
    ['spec.ingress[0].ports[0].endPort: Invalid value: 70: must be greater than or equal to `port`'],
  ],
  [
    port({ port: 'http', endPort: 70 }),
    ['spec.ingress[0].ports[0].endPort: Invalid value: 70: may not be specified when `port` is non-numeric'],
  ],
  [
    port({ endPort: 70 }),
    [
      'spec.ingress[0].ports[0].endPort: Invalid value: 70: may not be specified when `port` is not specified',
    ],
  ],
  [
    port({ protocol: 'ICMP' }),
    ['spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"'],
  ],
  [policy({ from: [{}] }), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
  [
    policy({ from: [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }] }),
    ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
  ],
  [block({ cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] }), []],
  [
    block({ cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] }),
    [
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
    ],
  ],
  [
    block({ cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] }),
    [
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
    ],
  ],
  [
    { spec: { policyTypes: ['Both'] } },
    ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"'],
  ],
])('NetworkPolicy %j', (object, errors) => {
  expect(errorsOf('NetworkPolicy', object)).toEqual(errors);
});

it('fills in what a NetworkPolicy is about', () => {
  const made = complete(v1, 'NetworkPolicy', { metadata, spec: { egress: [{ ports: [{ port: 1 }] }] } });
  expect(made['spec']).toMatchObject({
    policyTypes: ['Ingress', 'Egress'],
    egress: [{ ports: [{ port: 1, protocol: 'TCP' }] }],
  });
});
