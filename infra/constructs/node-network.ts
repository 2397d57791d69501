import { RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Parameters } from '../parameters.ts';

/** The nodes' network: public subnets in two zones, so that no NAT has to be paid, and nobody let in from outside. */
export class NodeNetwork extends Construct {
  readonly vpc: ec2.Vpc;
  readonly securityGroup: ec2.SecurityGroup;
  /** The tables that ways to pods are written to. */
  readonly routeTableIds: string[];

  constructor(scope: Construct, id: string, { parameters }: { parameters: Parameters }) {
    super(scope, id);
    const flowLog = new logs.LogGroup(this, 'FlowLog', {
      retention: parameters.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(parameters.nodeCidr),
      maxAzs: 2,
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        { name: 'Nodes', subnetType: ec2.SubnetType.PUBLIC, mapPublicIpOnLaunch: true },
        // Of load balancers that only CloudFront reaches.
        { name: 'Inside', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 26 },
      ],
      flowLogs: {
        Rejected: {
          destination: ec2.FlowLogDestination.toCloudWatchLogs(flowLog),
          trafficType: ec2.FlowLogTrafficType.REJECT,
        },
      },
    });
    // Reading and writing S3 costs nothing on the way, and does not leave the network.
    this.vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    this.securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: this.vpc,
      description: `Nodes of ${parameters.stackName}: each other, and their pods`,
      allowAllOutbound: true,
    });
    this.securityGroup.addIngressRule(this.securityGroup, ec2.Port.allTraffic(), 'Nodes');
    this.securityGroup.addIngressRule(ec2.Peer.ipv4(parameters.clusterCidr), ec2.Port.allTraffic(), 'Pods');
    this.routeTableIds = this.vpc.publicSubnets.map((subnet) => subnet.routeTable.routeTableId);
  }
}
