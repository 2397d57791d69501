import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ControlPlane } from './constructs/control-plane.ts';
import { Edge } from './constructs/edge.ts';
import { Monitoring } from './constructs/monitoring.ts';
import { NodeNetwork } from './constructs/node-network.ts';
import { Nodes } from './constructs/nodes.ts';
import { State } from './constructs/state.ts';
import { clusterDnsOf } from './nodes/user-data.ts';
import type { Parameters } from './parameters.ts';

/** A whole cluster in one stack. */
export class KumulusStack extends Stack {
  readonly state: State;
  readonly controlPlane: ControlPlane;
  readonly monitoring: Monitoring;
  /** Absent: streams are for those who reach the nodes by themselves. */
  readonly edge: Edge | undefined;

  constructor(scope: Construct, parameters: Parameters, props: StackProps = {}) {
    super(scope, parameters.stackName, {
      description: 'Kumulus: a Kubernetes cluster whose control plane has no servers',
      ...props,
    });
    this.state = new State(this, 'State', { parameters });
    const network =
      parameters.nodes === 'none' ? undefined : new NodeNetwork(this, 'Network', { parameters });
    this.controlPlane = new ControlPlane(this, 'ControlPlane', { parameters, state: this.state, network });
    const { endpoint, nodeRole, caCertificate, instanceEvents } = this.controlPlane;
    if (network && instanceEvents) {
      const nodes = { parameters, network, nodeRole, instanceEvents, caCertificate };
      const { group } = new Nodes(this, 'Nodes', { ...nodes, endpoint: endpoint.api.url });
      if (parameters.edge) this.edge = new Edge(this, 'Edge', { parameters, network, group, endpoint });
    }
    this.monitoring = new Monitoring(this, 'Monitoring', {
      controlPlane: this.controlPlane,
      state: this.state,
    });
    this.#describe(parameters);
  }

  #describe({ stackName, clusterCidr, serviceCidr }: Parameters): void {
    const { endpoint, adminRole, nodeRole, queues, functions, keysPath } = this.controlPlane;
    const outputs: Record<string, [value: string, description: string]> = {
      Endpoint: [endpoint.api.url, 'Where the Kubernetes API is'],
      ...(this.edge && { EdgeEndpoint: [this.edge.url, 'Where the Kubernetes API is, with streams'] }),
      AdminRoleArn: [adminRole.roleArn, 'Who may assume this role administers the cluster'],
      NodeRoleArn: [nodeRole.roleArn, 'The role of machines that are nodes'],
      TableName: [this.state.table.tableName, 'The table with the cluster’s state'],
      WorkQueueUrl: [queues.work.queueUrl, 'Work that waits for the controllers'],
      SchedulerQueueUrl: [queues.scheduler.queueUrl, 'What wakes the scheduler'],
      DelayQueueUrl: [queues.delays.queueUrl, 'Work that is to be done later'],
      DeadLetterQueueUrl: [queues.deadLetters.queueUrl, 'Work that was given up'],
      UndeliveredQueueUrl: [queues.undelivered.queueUrl, 'Delays and changes that no function took'],
      DispatchFunctionName: [
        functions.dispatch.function.functionName,
        'The function that the table’s changes go to',
      ],
      DispatchLogGroup: [functions.dispatch.logGroup.logGroupName, 'The log of that function'],
      KeysPath: [keysPath, 'The SSM path of the cluster’s keys'],
      ClusterCidr: [clusterCidr, 'The range of pods’ addresses'],
      ServiceCidr: [serviceCidr, 'The range of Services’ addresses'],
      ClusterDns: [clusterDnsOf(serviceCidr), 'The address of the cluster’s DNS'],
      Next: [
        `npx kumulus kubeconfig --stack ${stackName} -o aws.kubeconfig && KUBECONFIG=aws.kubeconfig kubectl get namespaces`,
        'What to run now',
      ],
    };
    for (const [name, [value, description]] of Object.entries(outputs)) {
      new CfnOutput(this, name, { value, description });
    }
  }
}
