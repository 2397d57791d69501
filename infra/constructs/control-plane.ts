import { CustomResource, Duration, Lazy, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { DynamoEventSource, SqsDlq, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { keyNames } from '../../functions/lambda/keys.ts';
import { loudKinds } from '../../lib/store/dynamodb/items.ts';
import type { Parameters } from '../parameters.ts';
import { Endpoint, stageName } from './endpoint.ts';
import { KumulusFunction, type KumulusFunctionProps } from './function.ts';
import type { NodeNetwork } from './node-network.ts';
import { NodeQueues } from './node-queues.ts';
import { grantMachines } from './node-rights.ts';
import { Queues } from './queues.ts';
import type { State } from './state.ts';

/** The issuer of tokens that nobody outside needs to check. */
const privateIssuer = 'https://kubernetes.default.svc';
/** The endpoint of the Service `kubernetes` (RFC 5737, of nobody): each node answers there for its pods. */
export const advertised = '192.0.2.1:443';
/** How long one batch of work may take. */
const workTimeout = Duration.seconds(60);
/** Streams of API Gateway, and so watches, last fifteen minutes at most, as functions do. */
const apiTimeout = Duration.minutes(15);
/** Three tries of the setup function, which Lambda makes one and two minutes after another. */
const setupTimeout = Duration.minutes(12);
const schedulerConfigFile = 'scheduler-config.json';

/** The functions, what drives them, and the endpoint. */
export class ControlPlane extends Construct {
  readonly endpoint: Endpoint;
  readonly queues: Queues;
  readonly nodeQueues: NodeQueues;
  readonly adminRole: iam.Role;
  /** Of machines that are nodes: a session of it is the node of its name. */
  readonly nodeRole: iam.Role;
  readonly functions: Record<
    'apiserver' | 'scheduler' | 'dispatch' | 'controllers' | 'delays' | 'resync' | 'setup',
    KumulusFunction
  >;
  readonly keysPath: string;
  /** PEM of the cluster's authority, in base64, once there is one. */
  readonly caCertificate: string;
  /** Told of machines that are about to go. Absent: there are none. */
  readonly instanceEvents: KumulusFunction | undefined;

  constructor(
    scope: Construct,
    id: string,
    { parameters, state, network }: { parameters: Parameters; state: State; network?: NodeNetwork },
  ) {
    super(scope, id);
    const stack = Stack.of(this);
    this.queues = new Queues(this, 'Queues', { functionTimeout: workTimeout });
    this.keysPath = `/kumulus/${parameters.stackName}/keys`;
    this.adminRole = this.#createAdminRole(parameters);
    this.nodeRole = new iam.Role(this, 'NodeRole', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      description: `Node of the Kubernetes cluster ${parameters.stackName}`,
    });

    this.nodeQueues = new NodeQueues(this, 'NodeQueues', { cluster: parameters.stackName });

    const tokenKey = parameters.tokenKey === 'kms' ? this.#createTokenKey(parameters) : undefined;
    const environment = {
      KUMULUS_CLUSTER: parameters.stackName,
      KUMULUS_TABLE: state.table.tableName,
      KUMULUS_KEYS_PATH: this.keysPath,
      KUMULUS_WORK_QUEUE_URL: this.queues.work.queueUrl,
      KUMULUS_SCHEDULER_QUEUE_URL: this.queues.scheduler.queueUrl,
      KUMULUS_DELAY_QUEUE_URL: this.queues.delays.queueUrl,
      KUMULUS_DEAD_LETTER_QUEUE_URL: this.queues.deadLetters.queueUrl,
      KUMULUS_NODE_TOPIC_ARN: this.nodeQueues.topic.topicArn,
      KUMULUS_NODE_ROLE_ARN: this.nodeRole.roleArn,
      KUMULUS_NODE_ROLE_ID: this.nodeRole.roleId,
      ...(network && { KUMULUS_ROUTE_TABLE_IDS: network.routeTableIds.join(',') }),
      KUMULUS_SERVICE_CIDR: parameters.serviceCidr,
      KUMULUS_CLUSTER_CIDR: parameters.clusterCidr,
      KUMULUS_NODE_PORT_RANGE: parameters.nodePortRange,
      KUMULUS_ISSUER: tokenKey ? Lazy.string({ produce: () => this.#issuer() }) : privateIssuer,
      ...(tokenKey && { KUMULUS_TOKEN_KEY_ARN: tokenKey.keyArn }),
      KUMULUS_ADVERTISE: advertised,
      KUMULUS_LOG_LEVEL: parameters.logLevel,
    };
    const create = (
      name: string,
      props: Omit<KumulusFunctionProps, 'environment' | 'parameters' | 'memoryMb'> & {
        memoryMb?: number;
        environment?: Record<string, string>;
      },
    ) =>
      new KumulusFunction(this, name, {
        memoryMb: parameters.workerMemoryMb,
        ...props,
        parameters,
        environment: { ...environment, ...props.environment },
      });

    this.functions = {
      apiserver: create('ApiServer', {
        entry: 'functions/apiserver/handler.ts',
        description: 'Kumulus: the Kubernetes API server',
        memoryMb: parameters.apiMemoryMb,
        timeout: parameters.responses === 'streamed' ? apiTimeout : Duration.seconds(29),
        environment: {
          KUMULUS_RESPONSES: parameters.responses,
          KUMULUS_ACCESS: stack.toJsonString([
            {
              principalArn: this.adminRole.roleArn,
              username: 'admin:{{SessionName}}',
              groups: ['system:masters'],
            },
            {
              // EC2 calls the session of an instance by the instance's id.
              principalArn: this.nodeRole.roleArn,
              username: 'system:node:{{SessionName}}',
              groups: ['system:nodes'],
            },
          ]),
        },
      }),
      dispatch: create('Dispatch', {
        entry: 'functions/controllers/dispatch-handler.ts',
        description: 'Kumulus: from the changes of the table to the work that follows',
        timeout: workTimeout,
      }),
      controllers: create('Controllers', {
        entry: 'functions/controllers/handler.ts',
        description: 'Kumulus: the controllers',
        timeout: workTimeout,
      }),
      scheduler: create('Scheduler', {
        entry: 'functions/scheduler/handler.ts',
        description: 'Kumulus: the scheduler',
        timeout: workTimeout,
        ...(parameters.schedulerReservedConcurrency > 0 && {
          reservedConcurrency: parameters.schedulerReservedConcurrency,
        }),
        ...(parameters.schedulerConfig !== undefined && {
          files: { [schedulerConfigFile]: parameters.schedulerConfig },
          environment: { KUMULUS_SCHEDULER_CONFIG: schedulerConfigFile },
        }),
      }),
      delays: create('Delays', {
        entry: 'functions/controllers/delays.ts',
        description: 'Kumulus: delayed work that has come due',
        memoryMb: 256,
        timeout: Duration.seconds(30),
      }),
      resync: create('Resync', {
        entry: 'functions/controllers/resync.ts',
        description: 'Kumulus: repairs on a schedule',
        timeout: workTimeout,
      }),
      setup: create('Setup', {
        entry: 'functions/setup/handler.ts',
        description: 'Kumulus: what a new cluster has from its first moment on',
        timeout: Duration.minutes(2),
      }),
    };
    this.instanceEvents =
      network &&
      create('InstanceEvents', {
        entry: 'functions/controllers/instance-events.ts',
        description: 'Kumulus: nodes whose machine is about to go',
        timeout: workTimeout,
        environment: { KUMULUS_DRAIN_TIMEOUT_SECONDS: String(parameters.drainTimeoutSeconds) },
      });
    this.instanceEvents?.function.configureAsyncInvoke({
      // Later it would be told of a machine that has gone.
      maxEventAge: Duration.seconds(Math.max(60, parameters.drainTimeoutSeconds)),
      retryAttempts: 2,
      onFailure: new SqsDestination(this.queues.undelivered),
    });
    this.#grant(state);
    if (tokenKey) this.#grantTokenKey(tokenKey);
    if (network) {
      const { controllers } = this.functions;
      grantMachines({ controllers, events: this.instanceEvents, network, cluster: parameters.stackName });
    }
    this.#connect(state, parameters);
    this.endpoint = new Endpoint(this, 'Endpoint', {
      handler: this.functions.apiserver.function,
      parameters,
    });
    this.caCertificate = this.#setUp(parameters);
  }

  /** Who may assume it administers the cluster: IAM decides, as for everything else in the account. */
  #createAdminRole({ stackName }: Parameters): iam.Role {
    return new iam.Role(this, 'AdminRole', {
      assumedBy: new iam.AccountRootPrincipal(),
      description: `Administrator of the Kubernetes cluster ${stackName}; has no rights in AWS`,
    });
  }

  /** The URL of the API by its parts: the stage's own URL is there only after the functions. */
  #issuer(): string {
    const { region, urlSuffix } = Stack.of(this);
    const { api } = this.endpoint;
    return `https://${api.restApiId}.execute-api.${region}.${urlSuffix}/${stageName}`;
  }

  #createTokenKey({ stackName }: Parameters): kms.Key {
    return new kms.Key(this, 'TokenKey', {
      description: `Kumulus: signs the service account tokens of ${stackName}`,
      keySpec: kms.KeySpec.ECC_NIST_P256,
      keyUsage: kms.KeyUsage.SIGN_VERIFY,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  /** Tokens are given out by the endpoint alone; whoever hosts an API server checks them. */
  #grantTokenKey({ keyArn }: kms.Key): void {
    const { delays: _without, ...hosts } = this.functions;
    const all = [...Object.values(hosts), ...(this.instanceEvents ? [this.instanceEvents] : [])];
    for (const host of all) {
      const actions = host === hosts.apiserver ? ['kms:GetPublicKey', 'kms:Sign'] : ['kms:GetPublicKey'];
      host.function.addToRolePolicy(new iam.PolicyStatement({ actions, resources: [keyArn] }));
    }
  }

  #grant(state: State): void {
    const { apiserver, dispatch, controllers, scheduler, delays, resync, setup } = this.functions;
    const keys = Object.values(keyNames).map((name) =>
      Stack.of(this).formatArn({
        service: 'ssm',
        resource: 'parameter',
        resourceName: `${this.keysPath.slice(1)}/${name}`,
      }),
    );
    const readKeys = new iam.PolicyStatement({ actions: ['ssm:GetParameters'], resources: keys });
    const { instanceEvents } = this;
    const hosts = [apiserver, dispatch, controllers, scheduler, resync, setup];
    for (const { function: hosted } of instanceEvents ? [...hosts, instanceEvents] : hosts) {
      state.grantStore(hosted);
      hosted.addToRolePolicy(readKeys);
    }
    for (const { function: sender } of [dispatch, controllers, scheduler, delays, resync, setup]) {
      this.queues.grantSend(sender);
    }
    if (instanceEvents) this.queues.grantBury(instanceEvents.function);
    this.nodeQueues.grantSend(dispatch);
    this.nodeQueues.grantManage(controllers);
    this.nodeQueues.grantRemove(setup);
    setup.function.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['ssm:PutParameter', 'ssm:DeleteParameters'],
        resources: keys,
      }),
    );
  }

  #connect(state: State, parameters: Parameters): void {
    const { dispatch, controllers, scheduler, delays, resync } = this.functions;
    dispatch.function.addEventSource(
      new DynamoEventSource(state.table, {
        startingPosition: lambda.StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        bisectBatchOnError: true,
        retryAttempts: 10,
        reportBatchItemFailures: true,
        onFailure: new SqsDlq(this.queues.undelivered),
        filters: [
          lambda.FilterCriteria.filter({
            eventName: lambda.FilterRule.isEqual('INSERT'),
            dynamodb: {
              Keys: { pk: { S: lambda.FilterRule.beginsWith('l#') } },
              // What was given up, and renewals of Leases, concern nobody.
              NewImage: { t: { S: lambda.FilterRule.or(...loudKinds) } },
            },
          }),
        ],
      }),
    );
    Validations.of(dispatch).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'dynamodb:ListStreams, which an event source mapping needs, knows no resources',
    });
    controllers.function.addEventSource(
      new SqsEventSource(this.queues.work, {
        batchSize: 10,
        maxConcurrency: parameters.controllerConcurrency,
        reportBatchItemFailures: true,
      }),
    );
    scheduler.function.addEventSource(
      new SqsEventSource(this.queues.scheduler, { batchSize: 10, reportBatchItemFailures: true }),
    );
    delays.function.addEventSource(
      new SqsEventSource(this.queues.delays, { batchSize: 10, reportBatchItemFailures: true }),
    );
    new Rule(this, 'ResyncSchedule', {
      description: 'Kumulus: has every object looked at again',
      schedule: Schedule.rate(Duration.minutes(parameters.resyncMinutes)),
      targets: [new LambdaFunction(resync.function, { retryAttempts: 2 })],
    });
  }

  /** Once everything that would react to it is there. */
  #setUp(parameters: Parameters): string {
    const { setup, ...others } = this.functions;
    const resource = new CustomResource(this, 'Cluster', {
      serviceToken: setup.function.functionArn,
      // It answers by itself also when it fails; one that cannot even begin is waited for an hour otherwise.
      serviceTimeout: setupTimeout,
      resourceType: 'Custom::KumulusCluster',
      properties: {
        serviceCidr: parameters.serviceCidr,
        // A new release may bring new things that every cluster has.
        release: setup.function.currentVersion.version,
        // A table that is kept without the key that seals its Secrets has lost them.
        keepKeys: parameters.retainState,
      },
    });
    resource.node.addDependency(setup, this.queues, ...Object.values(others));
    return resource.getAttString('CaCertificate');
  }
}
