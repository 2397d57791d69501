import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { readParameters } from '../../../infra/parameters.ts';
import { templateOf } from './stack.ts';
import { masked, statementsOf, tooWide } from './policies.ts';

const group = templateOf({ nodes: 'autoscaling', nodeCount: 2 });
const spot = templateOf({ nodes: 'autoscaling', nodeSpot: 'true' });
const byEcs = templateOf({ nodes: 'ecs' });
const userDataOf = (template: Template) =>
  JSON.stringify(Object.values(template.findResources('AWS::EC2::LaunchTemplate'))[0]);

describe('nodes by the stack', () => {
  test('are none unless they are asked for, and then no network is paid', () => {
    const none = templateOf();
    none.resourceCountIs('AWS::EC2::VPC', 0);
    none.resourceCountIs('AWS::AutoScaling::AutoScalingGroup', 0);
  });

  test.each([
    ['autoscaling', group],
    ['ecs', byEcs],
  ])('with nodes=%s are what they were', (_, template) => {
    const parts = /^AWS::(EC2|AutoScaling|ECS|Events)::/;
    const { Resources } = masked(template.toJSON()) as { Resources: Record<string, { Type: string }> };
    expect(
      Object.fromEntries(Object.entries(Resources).filter(([, { Type }]) => parts.test(Type))),
    ).toMatchSnapshot();
  });

  test.each([
    ['autoscaling', group],
    ['spot', spot],
    ['ecs', byEcs],
  ])(
    '%s: no role may do everything, or anything to everything where the service allows better',
    (_, template) => {
      expect(tooWide(statementsOf(template))).toEqual([]);
    },
  );

  test('a machine may fetch its bundle, and nothing else', () => {
    const own = statementsOf(group).filter(({ name }) => name.includes('NodeRole'));
    expect(own.map(({ statement }) => statement.Action)).toEqual(['s3:GetObject']);
  });

  test('have encrypted disks and metadata of version 2, which pods do not reach', () => {
    group.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: Match.objectLike({
        MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
        BlockDeviceMappings: [Match.objectLike({ Ebs: Match.objectLike({ Encrypted: true }) })],
      }),
    });
  });

  test('whose end nobody could be told of are not lost in silence', () => {
    group.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: Match.stringLikeRegexp('^ControlPlaneInstanceEvents') },
      MaximumEventAgeInSeconds: 300,
      MaximumRetryAttempts: 2,
      DestinationConfig: {
        OnFailure: {
          Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^ControlPlaneQueuesUndelivered'), 'Arn'] },
        },
      },
    });
    const rights = statementsOf(group).filter(({ name }) => name.startsWith('ControlPlaneInstanceEvents'));
    const sends = rights.filter(({ statement }) => [statement.Action].flat().includes('sqs:SendMessage'));
    const to = sends.map(({ statement }) => JSON.stringify(statement.Resource).replace(/[0-9A-F]{8}/, ''));
    expect(to.sort()).toEqual(
      ['DeadLetters', 'Undelivered'].map((queue) => `{"Fn::GetAtt":["ControlPlaneQueues${queue}","Arn"]}`),
    );
  });

  test('are drained before the group ends them', () => {
    group.hasResourceProperties('AWS::AutoScaling::LifecycleHook', {
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      DefaultResult: 'CONTINUE',
      HeartbeatTimeout: 360,
    });
    group.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: Match.objectLike({ 'detail-type': ['EC2 Instance-terminate Lifecycle Action'] }),
    });
    spot.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: Match.objectLike({ 'detail-type': ['EC2 Spot Instance Interruption Warning'] }),
    });
  });

  test('install the bundle by its digest, and run the agent by systemd or by ECS', () => {
    expect(userDataOf(group)).toMatch(/BUNDLE_SHA256='[0-9a-f]{64}'/);
    expect(userDataOf(group)).toContain("RUN_BY='systemd'");
    expect(userDataOf(byEcs)).toContain("RUN_BY='ecs'");
    byEcs.hasResourceProperties('AWS::ECS::Service', { SchedulingStrategy: 'DAEMON', LaunchType: 'EC2' });
    byEcs.hasResourceProperties('AWS::ECS::TaskDefinition', {
      NetworkMode: 'host',
      PidMode: 'host',
      // The agent is the machine, by the machine's role.
      TaskRoleArn: Match.anyValue(),
    });
  });

  test('let nobody in from outside', () => {
    for (const { Properties } of Object.values(group.findResources('AWS::EC2::SecurityGroup'))) {
      for (const rule of (Properties as { SecurityGroupIngress?: { CidrIp: string }[] })
        .SecurityGroupIngress ?? [])
        expect(rule.CidrIp).toBe('10.244.0.0/16');
    }
  });

  test('of a number that cannot be are refused', () => {
    const read = (context: Record<string, unknown>) => readParameters(context);
    expect(() =>
      read({ nodes: 'fargate', nodeCount: 9, nodeInstanceType: 'big', nodeCidr: '10.0.0.0/8' }),
    ).toThrow(
      [
        'nodes: Invalid value: "fargate": must be one of none, autoscaling, ecs',
        'nodeInstanceType: Invalid value: "big": must be a type such as t4g.small',
        'nodeCidr: Invalid value: "10.0.0.0/8": must be an IPv4 range such as 10.0.0.0/16, from /16 to /24',
        'nodeMaxCount: Invalid value: 4: must not be less than nodeCount, which is 9',
      ].join('\n'),
    );
  });
});
