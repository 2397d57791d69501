import { Duration, Stack, Validations } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { gatewayPaths } from '../edge-paths.ts';
import type { Parameters } from '../parameters.ts';
import type { Endpoint } from './endpoint.ts';
import type { NodeNetwork } from './node-network.ts';
import { gatewayPort } from './nodes.ts';

export interface EdgeProps {
  parameters: Parameters;
  network: NodeNetwork;
  group: autoscaling.AutoScalingGroup;
  endpoint: Endpoint;
}

/** The longest that CloudFront waits for the next bytes without another quota. */
const readTimeout = Duration.seconds(60);

/**
 * One name for all of the Kubernetes API: CloudFront hands the paths of streams to the gateway of the nodes, behind a load
 * balancer that nobody else reaches, and all else to API Gateway. It keeps nothing, and changes nothing.
 */
export class Edge extends Construct {
  readonly distribution: cloudfront.Distribution;
  readonly url: string;

  constructor(scope: Construct, id: string, props: EdgeProps) {
    super(scope, id);
    const { parameters, endpoint } = props;
    const common = {
      allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
      cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
      // Passed on as it comes: bodies are compressed by who makes them.
      compress: false,
    };
    const stack = Stack.of(this);
    const api = new origins.HttpOrigin(
      `${endpoint.api.restApiId}.execute-api.${stack.region}.${stack.urlSuffix}`,
      {
        originPath: `/${endpoint.api.deploymentStage.stageName}`,
        protocolPolicy: cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
        originSslProtocols: [cloudfront.OriginSslPolicy.TLS_V1_2],
        readTimeout,
      },
    );
    const gateway = origins.VpcOrigin.withNetworkLoadBalancer(this.#balance(props), {
      // Inside the network; who calls is told by the token that comes with each request.
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY,
      readTimeout,
    });
    const stream: cloudfront.BehaviorOptions = {
      ...common,
      origin: gateway,
      originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER,
    };
    const domain = parameters.edgeDomain;
    this.distribution = new cloudfront.Distribution(this, 'Distribution', {
      comment: `Kubernetes API of ${parameters.stackName}`,
      defaultBehavior: {
        ...common,
        origin: api,
        originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      },
      additionalBehaviors: Object.fromEntries(gatewayPaths.map((path) => [path.slice(1), stream])),
      httpVersion: cloudfront.HttpVersion.HTTP2,
      ...(parameters.edgeWebAclArn && { webAclId: parameters.edgeWebAclArn }),
      ...(domain && {
        domainNames: [domain],
        certificate: acm.Certificate.fromCertificateArn(this, 'Certificate', parameters.edgeCertificateArn),
        minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
    });
    this.url = `https://${domain || this.distribution.distributionDomainName}`;
    this.#explain(parameters);
  }

  /** One address for the gateways of all nodes. */
  #balance({ parameters, network, group }: EdgeProps): elbv2.NetworkLoadBalancer {
    const securityGroup = new ec2.SecurityGroup(this, 'GatewayGroup', {
      vpc: network.vpc,
      description: `Stream gateway of ${parameters.stackName}: CloudFront to nodes`,
      allowAllOutbound: false,
    });
    // CloudFront comes out of an interface in this network.
    securityGroup.addIngressRule(ec2.Peer.ipv4(parameters.nodeCidr), ec2.Port.tcp(80), 'CloudFront');
    securityGroup.connections.allowTo(network.securityGroup, ec2.Port.tcp(gatewayPort), 'Gateways of nodes');
    const balancer = new elbv2.NetworkLoadBalancer(this, 'Gateway', {
      vpc: network.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      internetFacing: false,
      crossZoneEnabled: true,
      securityGroups: [securityGroup],
    });
    balancer.addListener('Streams', { port: 80 }).addTargets('Nodes', {
      port: gatewayPort,
      targets: [group],
      deregistrationDelay: Duration.seconds(60),
      healthCheck: {
        protocol: elbv2.Protocol.HTTP,
        path: '/healthz',
        port: String(gatewayPort),
        interval: Duration.seconds(10),
      },
    });
    Validations.of(balancer).acknowledge({
      id: 'AwsSolutions-ELB2',
      reason: 'access logs of a load balancer of TCP say less than the agents do of each stream',
    });
    return balancer;
  }

  #explain({ edgeWebAclArn, edgeDomain }: Parameters): void {
    Validations.of(this.distribution).acknowledge(
      { id: 'AwsSolutions-CFR1', reason: 'who may use the cluster is decided by identity, not by country' },
      {
        id: 'AwsSolutions-CFR3',
        reason:
          'paths and queries of the Kubernetes API may hold what is secret; API Gateway and audit log requests',
      },
      {
        id: 'AwsSolutions-CFR5',
        reason: 'the gateway is reached inside the nodes’ network; API Gateway over TLS 1.2',
      },
    );
    if (!edgeWebAclArn) {
      Validations.of(this.distribution).acknowledge({
        id: 'AwsSolutions-CFR2',
        reason: 'a web ACL costs more than the idle cluster; edgeWebAclArn takes one',
      });
    }
    if (!edgeDomain) {
      Validations.of(this.distribution).acknowledge({
        id: 'AwsSolutions-CFR4',
        reason: 'CloudFront’s own certificate allows no choice; with edgeDomain TLS 1.2 is the least',
      });
    }
  }
}
