import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readParameters } from '../../../infra/parameters.ts';
import { KumulusStack } from '../../../infra/stack.ts';

/** The stack as it would be deployed, but for the bundles: they are another test's. */
export function synthesize(
  context: Record<string, unknown> = {},
  outdir?: string,
): { app: App; stack: KumulusStack } {
  const app = new App({ outdir, context: { ...context, 'aws:cdk:bundling-stacks': [] } });
  const stack = new KumulusStack(app, readParameters(context));
  return { app, stack };
}

export function templateOf(context: Record<string, unknown> = {}): Template {
  return Template.fromStack(synthesize(context).stack);
}
