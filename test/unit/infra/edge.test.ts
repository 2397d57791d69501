import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { readParameters } from '../../../infra/parameters.ts';
import { masked, statementsOf, tooWide } from './policies.ts';
import { templateOf } from './stack.ts';

const edge = templateOf({ nodes: 'autoscaling', edge: 'true' });

describe('the edge', () => {
  test('is not there unless it is asked for', () => {
    templateOf({ nodes: 'autoscaling' }).resourceCountIs('AWS::CloudFront::Distribution', 0);
  });

  test('is what it was', () => {
    const parts = /^AWS::(CloudFront|ElasticLoadBalancingV2)::/;
    const { Resources } = masked(edge.toJSON()) as { Resources: Record<string, { Type: string }> };
    const its = Object.entries(Resources).filter(([, { Type }]) => parts.test(Type));
    expect(Object.fromEntries(its)).toMatchSnapshot();
    expect(tooWide(statementsOf(edge))).toEqual([]);
  });

  test('hands streams to the gateway, and all else to API Gateway, uncached and with every header', () => {
    const behavior = {
      ViewerProtocolPolicy: 'https-only',
      CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
    };
    edge.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: Match.objectLike({
        DefaultCacheBehavior: Match.objectLike(behavior),
        CacheBehaviors: ['exec', 'attach', 'portforward', 'log'].map((subresource) =>
          Match.objectLike({ ...behavior, PathPattern: `api/v1/namespaces/*/pods/*/${subresource}` }),
        ),
        Origins: Match.arrayWith([
          Match.objectLike({ OriginPath: Match.anyValue(), CustomOriginConfig: Match.anyValue() }),
          Match.objectLike({ VpcOriginConfig: Match.anyValue() }),
        ]),
      }),
    });
  });

  test('reaches nodes through a load balancer that is not of the internet', () => {
    edge.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: 'internal',
      Type: 'network',
    });
    edge.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: Match.stringLikeRegexp('Stream gateway'),
      SecurityGroupIngress: [Match.objectLike({ CidrIp: '10.0.0.0/16', FromPort: 80, ToPort: 80 })],
    });
  });

  test('takes a web ACL and a domain', () => {
    const webAcl = 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/mine/1';
    const certificate = 'arn:aws:acm:us-east-1:123456789012:certificate/1';
    templateOf({
      nodes: 'ecs',
      edge: 'true',
      edgeWebAclArn: webAcl,
      edgeDomain: 'k8s.example.com',
      edgeCertificateArn: certificate,
    }).hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: Match.objectLike({
        WebACLId: webAcl,
        Aliases: ['k8s.example.com'],
        ViewerCertificate: Match.objectLike({
          AcmCertificateArn: certificate,
          MinimumProtocolVersion: 'TLSv1.2_2021',
        }),
      }),
    });
  });

  test('is refused without nodes, and a domain without its certificate', () => {
    const read = (context: Record<string, unknown>) => readParameters(context);
    expect(() => read({ edge: true, edgeDomain: 'k8s.example.com' })).toThrow(
      [
        'edge: Invalid value: true: needs nodes, whose gateway it leads to: nodes=autoscaling or nodes=ecs',
        'edgeDomain: Invalid value: "k8s.example.com": must be given together with edgeCertificateArn',
      ].join('\n'),
    );
  });
});
