/** The CDK app: `npx cdk deploy` puts a cluster into the account of the current credentials. `docs/aws.md` has the parameters. */
import { App } from 'aws-cdk-lib';
import { readParameters } from './parameters.ts';
import { KumulusStack } from './stack.ts';

const app = new App();
try {
  const parameters = readParameters(app.node.getAllContext() as Record<string, unknown>, process.env);
  new KumulusStack(app, parameters);
  app.synth();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
