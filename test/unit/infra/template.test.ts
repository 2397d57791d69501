import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { readParameters } from '../../../infra/parameters.ts';
import { masked, type Statement, statementsOf, tooWide } from './policies.ts';
import { templateOf } from './stack.ts';

interface Resource {
  Type: string;
  Properties?: Record<string, unknown>;
  DeletionPolicy?: string;
}

let template: Template;
let resources: [string, Resource][];

beforeAll(() => {
  template = templateOf();
  resources = Object.entries((template.toJSON() as { Resources: Record<string, Resource> }).Resources);
});

const ofType = (type: string) => resources.filter(([, resource]) => resource.Type === type);

describe('the template', () => {
  test('is what it was: a change of it is a change of everybody’s deployment', () => {
    expect(masked(template.toJSON())).toMatchSnapshot();
  });

  test('answers what API Gateway itself finds too large with a Status, as the API server would', () => {
    const [, { Properties } = {}] =
      ofType('AWS::ApiGateway::GatewayResponse').find(
        ([, resource]) => resource.Properties?.ResponseType === 'REQUEST_TOO_LARGE',
      ) ?? [];
    expect(Properties?.StatusCode).toBe('413');
    const { 'application/json': status = '' } = (Properties?.ResponseTemplates ?? {}) as Record<
      string,
      string
    >;
    expect(JSON.parse(status)).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'RequestEntityTooLarge',
      code: 413,
    });
  });

  test('gives no right to every action, and to every resource only where the service knows none', () => {
    const statements = statementsOf(template);
    expect(statements.length).toBeGreaterThan(10);
    expect(tooWide(statements)).toEqual([]);
  });

  test('lets each function do what it does, and nothing else', () => {
    const rights = Object.fromEntries(
      ofType('AWS::IAM::Policy').map(([name, { Properties }]) => {
        const { PolicyDocument } = Properties as { PolicyDocument: { Statement: Statement[] } };
        const actions = PolicyDocument.Statement.flatMap(({ Action }) => Action);
        const [, role = name] = /^ControlPlane(.+?)RoleDefaultPolicy/.exec(name) ?? [];
        return [role, [...new Set(actions)].sort()];
      }),
    );
    expect(rights).toMatchSnapshot();
    expect(rights.Delays).not.toContainEqual(expect.stringMatching(/^(dynamodb|ssm):/));
    expect(rights.ApiServer).not.toContainEqual(expect.stringMatching(/^sqs:/));
  });

  test('destroys with the stack all but what the user retains', () => {
    const kept = resources.filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain');
    expect(kept.map(([name]) => name)).toEqual([]);
    const retaining = templateOf({ retainState: 'true' });
    retaining.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      Properties: Match.objectLike({ DeletionProtectionEnabled: true }),
    });
    // A table that is kept without the key of its Secrets has lost them.
    retaining.hasResourceProperties('Custom::KumulusCluster', { keepKeys: true });
    template.hasResourceProperties('Custom::KumulusCluster', { keepKeys: false });
  });

  test('keeps backups, a stream of new entries and a time to live', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    });
  });

  test('hands log entries alone to dispatch, and gives up on none silently', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BisectBatchOnFunctionError: true,
      DestinationConfig: { OnFailure: Match.anyValue() },
      FilterCriteria: {
        Filters: [
          {
            Pattern:
              '{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"l#"}]}},"NewImage":{"t":{"S":["put","delete"]}}}}',
          },
        ],
      },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });

  test('streams answers, or buffers them where that is chosen', () => {
    const uriOf = (of: Template) =>
      JSON.stringify(Object.values(of.findResources('AWS::ApiGateway::Method'))[0]);
    expect(uriOf(template)).toContain('response-streaming-invocations');
    expect(uriOf(template)).toContain('"ResponseTransferMode":"STREAM"');
    expect(uriOf(templateOf({ responses: 'buffered' }))).not.toContain('STREAM');
  });

  test('tells of what fails, is throttled, waits or was given up, by as many metrics as cost nothing', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties ?? {});
    expect(alarms.map(({ AlarmName }) => String(AlarmName)).sort()).toEqual(
      [
        ...['apiserver', 'controllers', 'delays', 'dispatch', 'resync', 'scheduler'].map(
          (name) => `Errors-${name}`,
        ),
        ...['DeadLetters', 'IteratorAge', 'Throttles', 'Undelivered'],
      ]
        .map((name) => `Kumulus-${name}`)
        .sort(),
    );
    expect(alarms.length).toBeLessThanOrEqual(10);
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  });

  test('shows what to run next, and where the cluster and what it gave up are', () => {
    const outputs = template.findOutputs('*');
    expect(Object.keys(outputs)).toEqual(
      expect.arrayContaining(['Endpoint', 'AdminRoleArn', 'NodeRoleArn', 'DeadLetterQueueUrl', 'Next']),
    );
    expect(outputs.Next?.Value).toContain('npx kumulus kubeconfig --stack Kumulus');
  });

  test('keeps no log longer than it is told to, and none past the stack', () => {
    const groups = ofType('AWS::Logs::LogGroup');
    expect(groups.length).toBeGreaterThanOrEqual(8);
    for (const [, { Properties, DeletionPolicy }] of groups) {
      expect(Properties?.RetentionInDays).toBe(30);
      expect(DeletionPolicy).toBe('Delete');
    }
    // Each function writes to a group of the stack: what Lambda makes by itself would stay.
    for (const [name, { Properties }] of ofType('AWS::Lambda::Function'))
      expect([name, Properties?.LoggingConfig]).toEqual([
        name,
        { LogFormat: 'Text', LogGroup: expect.anything() },
      ]);
  });

  test('one scheduler at a time, or no reservation for accounts that have none to give', () => {
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { ReservedConcurrentExecutions: 1 }, 1);
    templateOf({ schedulerReservedConcurrency: 0 }).resourcePropertiesCountIs(
      'AWS::Lambda::Function',
      { ReservedConcurrentExecutions: Match.anyValue() },
      0,
    );
  });
});

describe('parameters', () => {
  const read = (context: Record<string, unknown>) => readParameters(context);

  test('all have a default', () => {
    expect(read({})).toMatchObject({ stackName: 'Kumulus', responses: 'streamed', retainState: false });
  });

  test('buffer answers by default where the environment leads to an emulator', () => {
    const environment = { AWS_ENDPOINT_URL: 'https://localhost:4566' };
    expect(readParameters({}, environment).responses).toBe('buffered');
    expect(readParameters({ responses: 'streamed' }, environment).responses).toBe('streamed');
  });

  test('that are wrong are refused together, each with its name and value', () => {
    expect(() =>
      read({ serviceCidr: '10.96.0.0/30', logRetentionDays: '8', responses: 'fast', tracing: 'on' }),
    ).toThrow(
      [
        'serviceCidr: Invalid value: "10.96.0.0/30": must be an IPv4 range such as 10.96.0.0/16, from /12 to /28',
        'responses: Invalid value: "fast": must be one of streamed, buffered',
        'tracing: Invalid value: "on": must be true or false',
        'logRetentionDays: Invalid value: 8: must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731',
      ].join('\n'),
    );
  });

  test('that there are not are refused, and the CDK’s own context is left alone', () => {
    expect(() => read({ nodeconut: '3', NodeCount: '3', 'aws:cdk:bundling-stacks': [] })).toThrow(
      [
        'nodeconut: unknown parameter: docs/aws.md lists them all',
        'NodeCount: unknown parameter, nodeCount is meant?',
      ].join('\n'),
    );
    expect(
      read({ '@aws-cdk/core:checkSecretUsage': true, 'availability-zones:account=1:region=x': ['x'] }),
    ).toEqual(read({}));
  });

  test('are taken as text, as the command line gives them', () => {
    expect(read({ resyncMinutes: '5', tracing: 'true' })).toMatchObject({ resyncMinutes: 5, tracing: true });
  });
});
