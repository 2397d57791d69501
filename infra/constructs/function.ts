import { join } from 'node:path';
import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundling } from '../bundling.ts';
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
  readonly function: NodejsFunction;
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
    this.function = new NodejsFunction(this, 'Function', {
      entry: join(root, props.entry),
      projectRoot: root,
      depsLockFilePath: join(root, 'package-lock.json'),
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
      bundling: {
        ...bundling,
        format: OutputFormat.ESM,
        // What was tested is what runs, whichever SDK the runtime has in it.
        bundleAwsSDK: true,
        commandHooks: {
          beforeBundling: () => [],
          beforeInstall: () => [],
          afterBundling: (_input, output) =>
            Object.entries(props.files ?? {}).map(([name, text]) => writeCommand(join(output, name), text)),
        },
      },
    });
  }
}

/** What a shell of any system runs to write a file, whatever its text is. */
function writeCommand(path: string, text: string): string {
  const program = "fs.writeFileSync(process.argv[1], Buffer.from(process.argv[2], 'base64'))";
  return `node -e "${program}" "${path}" ${Buffer.from(text).toString('base64')}`;
}
