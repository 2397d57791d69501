import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { synthesize } from './stack.ts';

test.each([
  ['without nodes', {}],
  ['whose tokens AWS KMS signs', { tokenKey: 'kms' }],
  ['whose Secrets AWS KMS seals', { secretsKey: 'kms' }],
  ['with an Auto Scaling group of nodes', { nodes: 'autoscaling', nodeSpot: 'true' }],
  ['with nodes whose agent ECS runs', { nodes: 'ecs' }],
  ['with an edge', { nodes: 'autoscaling', edge: 'true' }],
])('the stack %s holds to the rules of AWS Solutions, or says in its place why it does not', (_, context) => {
  const outdir = mkdtempSync(join(tmpdir(), 'kumulus-nag-'));
  try {
    const { app } = synthesize(context, outdir);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
    // Throws with every rule that is broken.
    app.synth();
    const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as unknown;
    expect(report).toMatchObject({ title: 'Validation Report', pluginReports: [] });
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
});
