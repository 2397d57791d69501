import { Duration, RemovalPolicy, Stack, Tags, Validations } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as assets from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { buildAgentBundle, emptyBundle } from '../nodes/bundle.ts';
import { clusterDnsOf, type InstallSettings, userData } from '../nodes/user-data.ts';
import type { Parameters } from '../parameters.ts';
import type { KumulusFunction } from './function.ts';
import type { NodeNetwork } from './node-network.ts';
import { advertised } from './control-plane.ts';
import { clusterTag } from './node-rights.ts';

export interface NodesProps {
  parameters: Parameters;
  network: NodeNetwork;
  nodeRole: iam.Role;
  /** The URL of the Kubernetes API. */
  endpoint: string;
  /** PEM of the cluster's authority, in base64. */
  caCertificate: string;
  /** Told of machines that are about to go. */
  instanceEvents: KumulusFunction;
}

/** Where the agents' stream gateway listens, inside the nodes' network. */
export const gatewayPort = 10_480;
/** The disk of a node: its images, its logs and what its pods write. */
const diskGib = 30;

/**
 * Machines that are nodes: an Auto Scaling group whose instances install the agent and join as sessions of the node role,
 * with no secret given to them. With ECS the agent is the daemon of a service on the same machines.
 */
export class Nodes extends Construct {
  readonly group: autoscaling.AutoScalingGroup;

  constructor(scope: Construct, id: string, props: NodesProps) {
    super(scope, id);
    const { parameters, network, nodeRole } = props;
    const byEcs = parameters.nodes === 'ecs';
    const instanceType = new ec2.InstanceType(parameters.nodeInstanceType);
    const architecture = instanceType.architecture === ec2.InstanceArchitecture.ARM_64 ? 'arm64' : 'x64';
    const bundle = Stack.of(this).bundlingRequired ? buildAgentBundle(architecture) : emptyBundle();
    const asset = new assets.Asset(this, 'Agent', { path: bundle.file });
    nodeRole.addToPolicy(
      new iam.PolicyStatement({
        actions: ['s3:GetObject'],
        resources: [asset.bucket.arnForObjects(asset.s3ObjectKey)],
      }),
    );
    const cluster = byEcs
      ? new ecs.Cluster(this, 'EcsCluster', {
          vpc: network.vpc,
          containerInsightsV2: ecs.ContainerInsights.ENABLED,
        })
      : undefined;
    const settings: InstallSettings = {
      CLUSTER: parameters.stackName,
      REGION: Stack.of(this).region,
      ENDPOINT: props.endpoint,
      CA: props.caCertificate,
      BUNDLE_URL: asset.s3ObjectUrl,
      BUNDLE_SHA256: bundle.sha256,
      CLUSTER_CIDR: parameters.clusterCidr,
      SERVICE_CIDR: parameters.serviceCidr,
      CLUSTER_DNS: clusterDnsOf(parameters.serviceCidr),
      ADVERTISE: advertised,
      GATEWAY_PORT: gatewayPort,
      LOG_LEVEL: parameters.logLevel,
      RUN_BY: byEcs ? 'ecs' : 'systemd',
      ...(cluster && { ECS_CLUSTER: cluster.clusterName }),
    };
    const cpuType = architecture === 'arm64' ? ec2.AmazonLinuxCpuType.ARM_64 : ec2.AmazonLinuxCpuType.X86_64;
    const template = new ec2.LaunchTemplate(this, 'Template', {
      instanceType,
      machineImage: byEcs
        ? ecs.EcsOptimizedImage.amazonLinux2023(
            architecture === 'arm64' ? ecs.AmiHardwareType.ARM : ecs.AmiHardwareType.STANDARD,
          )
        : ec2.MachineImage.latestAmazonLinux2023({ cpuType }),
      role: nodeRole,
      securityGroup: network.securityGroup,
      userData: ec2.UserData.custom(userData(settings)),
      requireImdsv2: true,
      // Pods are one hop further away, and must not be taken for their machine.
      httpPutResponseHopLimit: 1,
      ...(parameters.nodeSpot && { spotOptions: { requestType: ec2.SpotRequestType.ONE_TIME } }),
      detailedMonitoring: false,
      associatePublicIpAddress: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: autoscalingVolume(),
        },
      ],
    });
    this.group = new autoscaling.AutoScalingGroup(this, 'Group', {
      vpc: network.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
      minCapacity: parameters.nodeCount,
      maxCapacity: parameters.nodeMaxCount,
      launchTemplate: template,
      // A new template replaces machines one after the other, each drained first.
      updatePolicy: autoscaling.UpdatePolicy.rollingUpdate({ maxBatchSize: 1 }),
      capacityRebalance: parameters.nodeSpot,
    });
    Tags.of(this.group).add(clusterTag, parameters.stackName);
    this.#drain(props);
    if (cluster) this.#runByEcs(cluster, props);
    Validations.of(this.group).acknowledge({
      id: 'AwsSolutions-AS3',
      reason: 'what happens to instances is told by EventBridge, and shown by the Nodes of the cluster',
    });
  }

  /** The group waits with the end of a machine until its node is empty. */
  #drain({ parameters, instanceEvents }: NodesProps): void {
    this.group.addLifecycleHook('Drain', {
      lifecycleTransition: autoscaling.LifecycleTransition.INSTANCE_TERMINATING,
      heartbeatTimeout: Duration.seconds(parameters.drainTimeoutSeconds + 60),
      defaultResult: autoscaling.DefaultResult.CONTINUE,
    });
    const targets = [new LambdaFunction(instanceEvents.function, { retryAttempts: 5 })];
    new Rule(this, 'Terminating', {
      description: 'Kumulus: empties nodes whose machine the group is about to end',
      eventPattern: {
        source: ['aws.autoscaling'],
        detailType: ['EC2 Instance-terminate Lifecycle Action'],
        detail: { AutoScalingGroupName: [this.group.autoScalingGroupName] },
      },
      targets,
    });
    if (!parameters.nodeSpot) return;
    new Rule(this, 'Interrupted', {
      description: 'Kumulus: empties nodes whose machine EC2 takes back in two minutes',
      eventPattern: { source: ['aws.ec2'], detailType: ['EC2 Spot Instance Interruption Warning'] },
      targets,
    });
  }

  /** One agent on each machine of the cluster, with the machine's own namespaces and identity. */
  #runByEcs(cluster: ecs.Cluster, { parameters, nodeRole }: NodesProps): void {
    // What the agent of ECS calls, without the right to make clusters.
    const onCluster = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } };
    const instances = Stack.of(this).formatArn({
      service: 'ecs',
      resource: 'container-instance',
      resourceName: `${cluster.clusterName}/*`,
    });
    for (const statement of [
      {
        actions: ['ecs:DeregisterContainerInstance', 'ecs:RegisterContainerInstance'],
        resources: [cluster.clusterArn],
      },
      {
        actions: [
          'ecs:Poll',
          'ecs:StartTelemetrySession',
          'ecs:SubmitContainerStateChange',
          'ecs:SubmitTaskStateChange',
        ],
        resources: [cluster.clusterArn, instances],
        conditions: onCluster,
      },
      { actions: ['ecs:DiscoverPollEndpoint'], resources: ['*'] },
    ]) {
      nodeRole.addToPolicy(new iam.PolicyStatement(statement));
    }
    Validations.of(nodeRole).acknowledge(
      {
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'ecs:DiscoverPollEndpoint knows no resources (Service Authorization Reference, Amazon ECS)',
      },
      {
        id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:container-instance/<${Stack.of(this).getLogicalId(cluster.node.defaultChild as ecs.CfnCluster)}>/*]`,
        reason: 'container instances of this one cluster, which come and go',
      },
    );
    const task = new ecs.Ec2TaskDefinition(this, 'AgentTask', {
      networkMode: ecs.NetworkMode.HOST,
      pidMode: ecs.PidMode.HOST,
      volumes: [{ name: 'host', host: { sourcePath: '/' } }],
    });
    const container = task.addContainer('agent', {
      image: ecs.ContainerImage.fromRegistry(parameters.nodeEcsImage),
      // It runs with the files of the machine, where the bundle is installed: the image lends it a shell, and no more.
      entryPoint: ['/usr/sbin/chroot', '/host'],
      command: [
        '/opt/kumulus/current/node',
        '--disable-warning=ExperimentalWarning',
        '/opt/kumulus/current/agent.mjs',
        '--config',
        '/etc/kumulus/agent.json',
      ],
      privileged: true,
      memoryReservationMiB: 128,
      logging: ecs.LogDrivers.awsLogs({
        streamPrefix: 'agent',
        logGroup: new logs.LogGroup(this, 'AgentLog', {
          retention: parameters.logRetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      }),
    });
    container.addMountPoints({ sourceVolume: 'host', containerPath: '/host', readOnly: false });
    // No capacity provider: it would bring a function of its own to drain machines, which the cluster does itself.
    const service = new ecs.CfnService(this, 'AgentService', {
      cluster: cluster.clusterName,
      taskDefinition: task.taskDefinitionArn,
      launchType: 'EC2',
      schedulingStrategy: 'DAEMON',
      deploymentConfiguration: { minimumHealthyPercent: 0, maximumPercent: 100 },
    });
    service.node.addDependency(this.group, task);
  }
}

function autoscalingVolume(): ec2.BlockDeviceVolume {
  return ec2.BlockDeviceVolume.ebs(diskGib, {
    encrypted: true,
    volumeType: ec2.EbsDeviceVolumeType.GP3,
    deleteOnTermination: true,
  });
}
