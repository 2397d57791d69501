import { describe, expect, it } from 'vitest';
import { type DecodeOptions, decodeBody } from '../../../../lib/api/decode/index.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';
import { isKind, messageOf } from '../../../../lib/errors.ts';
import fc from '../../../support/property.ts';

const schema = schemaFor('apps', 'v1', 'Deployment') ?? {};

function decode(body: string, options: Partial<DecodeOptions> = {}) {
  return decodeBody(Buffer.from(body), {
    mediaType: 'json',
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    schema,
    fieldValidation: 'Strict',
    ...options,
  });
}

function refusal(body: string, options: Partial<DecodeOptions> = {}): string {
  try {
    decode(body, options);
  } catch (error) {
    expect(isKind(error, 'BadRequest')).toBe(true);
    return messageOf(error);
  }
  throw new Error('was accepted');
}

const handled = 'Deployment in version "v1" cannot be handled as a Deployment: ';
const unrecognized = 'the object provided is unrecognized (must be of type Deployment): ';

describe('fields that are not right', () => {
  it.each([
    ['{"spec":{"foo":1},"bar":{}}', 'strict decoding error: unknown field "spec.foo", unknown field "bar"'],
    ['{"spec":{"replicas":1,"replicas":2}}', 'strict decoding error: duplicate field "spec.replicas"'],
    [
      '{"spec":{"foo":1,"replicas":1,"replicas":2,"x":0}}',
      'strict decoding error: unknown field "spec.foo", duplicate field "spec.replicas", unknown field "spec.x"',
    ],
    [
      '{"spec":{"template":{"spec":{"containers":[{"name":"a"},{"naam":"b"}]}}}}',
      'strict decoding error: unknown field "spec.template.spec.containers[1].naam"',
    ],
    [
      '{"metadata":{"labels":{"a":"1","a":"2"}}}',
      'strict decoding error: duplicate field "metadata.labels.a"',
    ],
    ['{"Spec":{}}', 'strict decoding error: unknown field "Spec"'],
    [
      '{"spec":{"replicas":"2"}}',
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      '{"spec":{"replicas":2.5}}',
      'json: cannot unmarshal number 2.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      '{"spec":[]}',
      'json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec',
    ],
    [
      '{"spec":{"template":{"spec":{"containers":[{"resources":{"limits":{"cpu":"x"}}}]}}}}',
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      '{"metadata":{"creationTimestamp":"today"}}',
      'parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006"',
    ],
  ])('%s', (body, message) => {
    expect(refusal(body)).toBe(handled + message);
  });

  it('are dropped with a warning, or in silence', () => {
    const body = '{"spec":{"replicas":1,"foo":2,"replicas":3}}';
    const warned = decode(body, { fieldValidation: 'Warn' });
    expect(warned.warnings).toEqual(['unknown field "spec.foo"', 'duplicate field "spec.replicas"']);
    const ignored = decode(body, { fieldValidation: 'Ignore' });
    expect(ignored.warnings).toEqual([]);
    expect(ignored.object).toMatchObject({ spec: { replicas: 3 } });
    expect(ignored.object.spec).not.toHaveProperty('foo');
  });

  it('are reported each once, wherever they are', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^zz[a-z]{1,8}$/), { minLength: 1, maxLength: 8 });
    const places = fc.constantFrom([], ['spec'], ['metadata'], ['spec', 'template', 'spec'], ['status']);
    fc.assert(
      fc.property(names, places, (unknown, path) => {
        let inner: JsonObject = Object.fromEntries(
          unknown.map((name): [string, JsonValue] => [name, { a: 1 }]),
        );
        for (const step of path.toReversed()) inner = { [step]: inner };
        const { warnings } = decode(JSON.stringify(inner), { fieldValidation: 'Warn' });
        expect(warnings).toEqual(unknown.map((name) => `unknown field "${[...path, name].join('.')}"`));
      }),
    );
  });
});

describe('bodies that are no JSON', () => {
  it.each([
    ['', 'unexpected end of JSON input (<empty>)'],
    ['{"a":}', `invalid character '}' looking for beginning of value ({"a":})`],
    ['{"a":1,}', `invalid character '}' looking for beginning of object key string ({"a":1,})`],
    ['{"a" 1}', `invalid character '1' after object key ({"a" 1})`],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair ({"a":1 "b"})`],
    ['{"a":[1 2]}', `invalid character '2' after array element ({"a":[1 2]})`],
    ['{} x', `invalid character 'x' after top-level value ({} x)`],
    ['{"a":tru}', `invalid character '}' in literal true (expecting 'e') ({"a":tru})`],
    ['{"a":01}', `invalid character '1' after object key:value pair ({"a":01})`],
    ['{"a":1.}', `invalid character '}' after decimal point in numeric literal ({"a":1.})`],
    ['{"a":"\\x"}', `invalid character 'x' in string escape code ({"a":"\\x"})`],
    ['hello', "invalid character 'h' looking for beginning of value (68656c6c6f)"],
  ])('%s', (body, message) => {
    expect(refusal(body)).toBe(`${unrecognized}couldn't get version/kind; json parse error: ${message}`);
  });

  it('are shown by their first 30 bytes', () => {
    expect(refusal(`{"a": ${'x'.repeat(100)}`)).toMatch(/\(\{"a": x{24} \.\.\.\)$/);
  });

  it('never pass for JSON', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (!isJson) expect(refusal(text)).toContain('json parse error: ');
      }),
    );
  });
});

describe('the kind of a body', () => {
  it('is the expected one where it is left out', () => {
    expect(decode('{}').object).toMatchObject({ kind: 'Deployment', apiVersion: 'apps/v1' });
  });

  it.each([
    [
      '{"kind":"Pod","apiVersion":"v1"}',
      'Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion',
    ],
    [
      '{"kind":"Deployment","apiVersion":"extensions/v1beta1"}',
      'Deployment in version "v1beta1" cannot be handled as a Deployment: no kind "Deployment" is registered for version "extensions/v1beta1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      '{"apiVersion":"a/b/c"}',
      `${unrecognized}unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c"})`,
    ],
  ])('%s', (body, message) => {
    expect(refusal(body)).toBe(message);
  });
});

describe('what is kept', () => {
  it('is in canonical form', () => {
    const { object } = decode(
      JSON.stringify({
        metadata: { creationTimestamp: '2024-05-01T12:30:00.9+02:00', labels: null },
        spec: {
          template: {
            spec: { containers: [{ name: 'a', resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }] },
          },
        },
      }),
    );
    expect(object).toMatchObject({
      metadata: { creationTimestamp: '2024-05-01T10:30:00Z' },
      spec: {
        template: { spec: { containers: [{ resources: { limits: { cpu: '500m', memory: '1Gi' } } }] } },
      },
    });
    expect(object.metadata).not.toHaveProperty('labels');
  });

  it('does not hold zeros that say what nothing does', () => {
    const spec = (pod: object, more: object = {}) => ({ spec: { ...more, template: { spec: pod } } });
    const container = {
      name: 'c',
      image: 'i',
      stdin: false,
      workingDir: '',
      ports: [{ containerPort: 80, hostPort: 0 }],
    };
    const sent = spec(
      {
        hostNetwork: false,
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 0,
        containers: [
          { ...container, env: [{ name: 'E', value: '' }], securityContext: { privileged: false } },
        ],
        nodeSelector: { disk: '' },
      },
      { replicas: 0, minReadySeconds: 0, paused: false },
    );
    const read = decode(JSON.stringify(sent)).object as unknown as typeof sent;
    expect(read.spec).toMatchObject({ replicas: 0 });
    expect(read.spec).not.toHaveProperty('minReadySeconds');
    expect(read.spec).not.toHaveProperty('paused');
    expect(read.spec.template.spec).toEqual({
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'c',
          image: 'i',
          resources: {},
          env: [{ name: 'E' }],
          ports: [{ containerPort: 80 }],
          securityContext: { privileged: false },
        },
      ],
      nodeSelector: { disk: '' },
    });
  });

  it('holds keys that are names of inherited things', () => {
    const { object } = decode('{"metadata":{"labels":{"__proto__":"x","constructor":"y"}}}');
    const labels = (object.metadata as { labels: Record<string, string> }).labels;
    expect(Object.entries(labels)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(refusal('{"__proto__":{"a":1}}')).toContain('unknown field "__proto__"');
  });
});

describe('YAML', () => {
  const yaml = { mediaType: 'yaml' } as const;

  it('is read as version 1.1', () => {
    const { object } = decode('spec:\n  paused: yes\n  replicas: 0x10\n', yaml);
    expect(object.spec).toMatchObject({ paused: true, replicas: 16 });
  });

  it('reports keys that are there twice, with their lines', () => {
    const body = 'spec:\n  replicas: 1\n  replicas: 2\n';
    expect(refusal(body, yaml)).toBe(
      `${handled}strict decoding error: yaml: unmarshal errors:\n  line 3: key "replicas" already set in map`,
    );
    const { warnings } = decode(body, { ...yaml, fieldValidation: 'Warn' });
    expect(warnings).toEqual(['line 3: key "replicas" already set in map']);
  });

  it.each([
    ['a: b: c\n', 'yaml: line 1: mapping values are not allowed in this context'],
    ['a: *x\n', "yaml: unknown anchor 'x' referenced"],
  ])('says what is wrong with %j', (body, message) => {
    expect(refusal(body, yaml)).toContain(unrecognized + message);
  });
});

describe('hostile bodies', () => {
  it('cannot exhaust the stack', () => {
    const deep = 100_000;
    expect(refusal('{"a":'.repeat(deep))).toContain('exceeded max depth');
    expect(refusal(`{"spec":${'['.repeat(deep)}${']'.repeat(deep)}}`)).toContain('cannot unmarshal array');
    expect(refusal(`{"x":${'['.repeat(deep)}${']'.repeat(deep)}}`)).toContain('exceeded max depth');
    expect(refusal('['.repeat(deep), { mediaType: 'yaml' })).toContain('exceeded max depth');
  });

  it('cannot multiply themselves by aliases', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level++) {
      lines.push(
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    }
    expect(refusal(lines.join('\n'), { mediaType: 'yaml' })).toContain('excessive aliasing');
  });
});
