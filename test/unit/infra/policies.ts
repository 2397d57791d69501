import type { Template } from 'aws-cdk-lib/assertions';

export interface Statement {
  Action: string | string[];
  Resource: unknown;
  Effect: string;
  Condition?: unknown;
}

/** Actions that know no resources, and why somebody needs them all the same. */
const resourceless = new Set([
  // An event source mapping asks which streams there are.
  'dynamodb:ListStreams',
  // Subscriptions are no resources of policies.
  'sns:Unsubscribe',
  // What there is of machines and routes is asked of EC2 as a whole.
  'ec2:DescribeInstances',
  'ec2:DescribeRouteTables',
  // An agent of ECS asks where it is to call before it belongs to a cluster.
  'ecs:DiscoverPollEndpoint',
]);

export function statementsOf(template: Template): { name: string; statement: Statement }[] {
  return Object.entries(template.findResources('AWS::IAM::Policy')).flatMap(([name, { Properties }]) => {
    const { PolicyDocument } = Properties as { PolicyDocument: { Statement: Statement[] } };
    return PolicyDocument.Statement.map((statement) => ({ name, statement }));
  });
}

/** Those that give every action, or everything where the service knows less. */
export function tooWide(statements: ReturnType<typeof statementsOf>): typeof statements {
  return statements.filter(({ statement }) => {
    const actions = [statement.Action].flat();
    const everything = [statement.Resource].flat().includes('*');
    return (
      actions.some((action) => action.includes('*')) ||
      (everything && actions.some((action) => !resourceless.has(action)))
    );
  });
}

/** Without what changes with every line of code: hashes of bundles, and what is named by them. */
export function masked(value: unknown): unknown {
  const text = JSON.stringify(value, null, 2)
    .replaceAll(/[0-9a-f]{64}(\.zip|\.json|\.gz|')/g, 'HASH$1')
    .replaceAll(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}/g, '$1')
    .replaceAll(/(ApiDeployment[0-9A-F]{8})[0-9a-f]{32}/g, '$1');
  return JSON.parse(text) as unknown;
}
