import { expect, test } from 'vitest';
import {
  type AdmissionAttributes,
  admissionChain,
  type AdmissionPlugin,
} from '../../../../functions/apiserver/pipeline/admission.ts';
import { createRegistry } from '../../../../functions/apiserver/registry/registry.ts';

const registry = createRegistry();

function attributesFor(group: string, plural: string): AdmissionAttributes {
  const entry = registry.find(group, 'v1', plural);
  if (!entry) throw new Error(`no ${plural}`);
  return {
    operation: 'CREATE',
    entry,
    namespace: 'default',
    name: 'x',
    subresource: '',
    object: undefined,
    oldObject: undefined,
    user: { username: 'ann', groups: [] },
    dryRun: false,
    warnings: [],
    auditAnnotations: {},
    withdrawals: [],
  };
}

test('plugins are asked in their order, about their types and again where one wants it', async () => {
  const asked: string[] = [];
  const plugin = (name: string, more: Partial<AdmissionPlugin> = {}): AdmissionPlugin => ({
    name,
    mutate: (attributes) => Promise.resolve(void asked.push(`${name} ${attributes.entry.storage}`)),
    validate: (attributes) => Promise.resolve(void asked.push(`${name}! ${attributes.entry.storage}`)),
    ...more,
  });
  const chain = admissionChain([
    plugin('all'),
    plugin('pods', { types: ['pods'] }),
    { name: 'nothing' },
    plugin('apps', {
      types: ['apps/deployments', 'apps/daemonsets'],
      mutate: ({ reinvocation }) => {
        asked.push('apps wants another round');
        if (reinvocation && !reinvocation.isAgain) reinvocation.isWanted = true;
        return Promise.resolve();
      },
    }),
  ]);
  const run = async (attributes: AdmissionAttributes) => {
    asked.length = 0;
    await chain.mutate(attributes);
    await chain.validate(attributes);
    return [...asked];
  };
  for (const _ of [1, 2]) {
    expect(await run(attributesFor('', 'pods'))).toEqual([
      'all pods',
      'pods pods',
      'all! pods',
      'pods! pods',
    ]);
    expect(await run(attributesFor('apps', 'deployments'))).toEqual([
      'all apps/deployments',
      'apps wants another round',
      'all apps/deployments',
      'apps wants another round',
      'all! apps/deployments',
      'apps! apps/deployments',
    ]);
  }
});
