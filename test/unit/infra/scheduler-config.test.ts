import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KumulusFunction } from '../../../infra/constructs/function.ts';
import { readSettings } from '../../../functions/lambda/settings.ts';
import { readParameters } from '../../../infra/parameters.ts';
import { templateOf } from './stack.ts';

const profile = (plugin: string) => `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: packing
  plugins:
    score:
      enabled: [{name: ${plugin}, weight: 5}]
`;
const read = (schedulerConfig: unknown) => readParameters({ schedulerConfig }).schedulerConfig;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kumulus-scheduler-config-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

function fileWith(text: string): string {
  const file = join(dir, 'scheduler.yaml');
  writeFileSync(file, text);
  return file;
}

describe('a scheduler configuration in the stack', () => {
  test('is none by default', () => {
    expect(read(undefined)).toBeUndefined();
    const variables = { KUMULUS_SCHEDULER_CONFIG: Match.anyValue() };
    templateOf().resourcePropertiesCountIs(
      'AWS::Lambda::Function',
      { Environment: { Variables: variables } },
      0,
    );
  });

  test('is a file, the text itself, or an object, and comes to the same', () => {
    const yaml = profile('NodeResourcesFit');
    const json = read(yaml);
    expect(JSON.parse(json ?? '')).toMatchObject({ profiles: [{ schedulerName: 'packing' }] });
    expect(read(fileWith(yaml))).toBe(json);
    expect(read(json)).toBe(json);
    expect(read(JSON.parse(json ?? ''))).toBe(json);
  });

  test('that is wrong ends the synth with the path of every field that is', () => {
    const message =
      'schedulerConfig: profiles[0].plugins.score.enabled[0].name: Invalid value: "NodeResourcesFitt": there is no such plugin';
    expect(() => read(profile('NodeResourcesFitt'))).toThrow(message);
    expect(() => read(fileWith(profile('NodeResourcesFitt')))).toThrow(message);
    expect(() => templateOf({ schedulerConfig: profile('NodeResourcesFitt') })).toThrow(message);
    expect(() => read(`${profile('NodeResourcesFit')}parallelism: 0\nnovel: 1\n`)).toThrow(
      [
        'schedulerConfig: novel: Invalid value: 1: unknown field',
        'schedulerConfig: parallelism: Invalid value: 0: should be an integer value greater than zero',
      ].join('\n'),
    );
    expect(() => read('nowhere.yaml')).toThrow(/^schedulerConfig: ENOENT: .*nowhere\.yaml/);
    expect(() => read('a: [')).toThrow(/^schedulerConfig: /);
    expect(() => read(5)).toThrow('schedulerConfig: ');
  });

  test('goes into the bundle of the scheduler, which is told its name', () => {
    const template = templateOf({ schedulerConfig: profile('NodeResourcesFit') });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Description: 'Kumulus: the scheduler',
      Environment: { Variables: Match.objectLike({ KUMULUS_SCHEDULER_CONFIG: 'scheduler-config.json' }) },
    });
    const app = new App({ outdir: dir });
    const text = '{"quotes": "\'\\"$(exit 1)`exit 1`", "größe": 5}';
    new KumulusFunction(new Stack(app, 'Test'), 'Function', {
      entry: 'functions/controllers/delays.ts',
      description: 'a function with a file',
      memoryMb: 256,
      timeout: Duration.seconds(3),
      environment: {},
      parameters: readParameters({}),
      files: { 'scheduler-config.json': text },
    });
    app.synth();
    const asset = readdirSync(dir).find((name) => name.startsWith('asset.')) ?? '';
    expect(readdirSync(join(dir, asset))).toContain('index.mjs');
    expect(readFileSync(join(dir, asset, 'scheduler-config.json'), 'utf8')).toBe(text);
  }, 300_000);
});

/** The variables that functions read. */
function settingNames(): string[] {
  const names: string[] = [];
  const values: Record<string, string> = { KUMULUS_ADVERTISE: '192.0.2.1:443', KUMULUS_LOG_LEVEL: 'error' };
  const get = (_: object, name: string) => {
    names.push(name);
    return values[name] ?? 'test';
  };
  readSettings(new Proxy({}, { get }));
  return names;
}

describe('the function', () => {
  const load = async (config: string) => {
    for (const name of settingNames()) vi.stubEnv(name, 'test');
    vi.stubEnv('KUMULUS_ADVERTISE', '192.0.2.1:443');
    vi.stubEnv('KUMULUS_LOG_LEVEL', 'error');
    vi.stubEnv('AWS_REGION', 'us-east-1');
    // Beside the handler, as it is in the bundle.
    const path = `../../../../../../../../../../..${fileWith(config)}`;
    vi.stubEnv('KUMULUS_SCHEDULER_CONFIG', path);
    vi.resetModules();
    return import('../../../functions/scheduler/handler.ts');
  };

  test('does not start with a configuration that is wrong, and says where it is', async () => {
    await expect(load(profile('Novel'))).rejects.toThrow(
      'profiles[0].plugins.score.enabled[0].name: Invalid value: "Novel": there is no such plugin',
    );
  });

  test('starts with one that is right', async () => {
    await expect(load(profile('ImageLocality'))).resolves.toHaveProperty('handler');
  });
});
