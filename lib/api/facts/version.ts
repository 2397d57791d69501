import type { PackageFacts } from './package.ts';

/** What `/version` answers with. */
export const version: PackageFacts = {
  name: 'io.k8s.apimachinery.pkg.version',
  group: '',
  version: '',
  types: 'Info',
  always: {},
  facts: {},
};
