import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage, type Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundleFunction } from '../bundling.ts';
import type { Parameters } from '../parameters.ts';

const root = join(import.meta.dirname, '../..');

export interface KumulusFunctionProps {
  /** Path of the entry in the project: `functions/scheduler/handler.ts`. */
  entry: string;
  description: string;
  memoryMb: number;
  timeout: Duration;
  environment: Record<string, string>;
  parameters: Parameters;
  reservedConcurrency?: number;
  /** Files that the bundle has beside its code: their text by name. */
  files?: Readonly<Record<string, string>>;
}

/** One function of the control plane: its bundle, its log, and a role that may do nothing but write to that log. */
export class KumulusFunction extends Construct {
  readonly function: lambda.Function;
  readonly logGroup: logs.LogGroup;

  constructor(scope: Construct, id: string, props: KumulusFunctionProps) {
    super(scope, id);
    const { parameters } = props;
    this.logGroup = new logs.LogGroup(this, 'Log', {
      retention: parameters.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: props.description,
    });
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      }),
    );
    this.function = new lambda.Function(this, 'Function', {
      code: bundleOf(props),
      handler: 'index.handler',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      description: props.description,
      memorySize: props.memoryMb,
      timeout: props.timeout,
      role,
      logGroup: this.logGroup,
      loggingFormat: lambda.LoggingFormat.TEXT,
      tracing: parameters.tracing ? lambda.Tracing.ACTIVE : lambda.Tracing.DISABLED,
      reservedConcurrentExecutions: props.reservedConcurrency,
      environment: { ...props.environment, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
    });
  }
}

/** What was tested is what runs, whichever SDK the runtime has in it: the bundle has its own. */
function bundleOf({ entry, files = {} }: KumulusFunctionProps): lambda.Code {
  return lambda.Code.fromAsset(root, {
    // The same sources make the same bundle.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('none'),
      // Never run: what tells bundles of one source apart.
      command: [entry, JSON.stringify(files)],
      local: {
        tryBundle(outdir) {
          bundleFunction(entry, outdir);
          for (const [name, text] of Object.entries(files)) writeFileSync(join(outdir, name), text);
          return true;
        },
      },
    },
  });
}
