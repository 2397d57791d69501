import type { CSIStorageCapacity } from '../../gen/types.ts';
import { compareQuantities, parseQuantity, zero } from '../../quantity/index.ts';
import { matches } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue } from '../../validate/field-error.ts';
import { dns1123Subdomain, nameIsSubdomain } from '../../validate/formats.ts';
import { validateLabelSelector } from '../../validate/labels.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { nodeTopologyWarnings } from '../node-label-warnings.ts';
import { rules } from '../rules.ts';

const topologyPath = Path.of('nodeTopology');
const classPath = Path.of('storageClassName');

export const csiStorageCapacityRules = rules<CSIStorageCapacity>({
  namespaced: true,
  applyDefaults() {},

  validateCreate: ({ metadata, nodeTopology, storageClassName, capacity }) => [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateLabelSelector(nodeTopology, topologyPath),
    ...matches(dns1123Subdomain, storageClassName ?? '', classPath),
    ...(capacity === undefined ? [] : nonnegativeAmount(capacity)),
  ],

  validateUpdate: (capacity, old) => [
    ...validateObjectMetaUpdate(capacity.metadata, old.metadata),
    ...immutable(capacity.nodeTopology, old.nodeTopology, topologyPath),
    ...immutable(capacity.storageClassName, old.storageClassName, classPath),
  ],

  warnings: ({ nodeTopology }) => nodeTopologyWarnings(nodeTopology, topologyPath),
});

function nonnegativeAmount(amount: string): FieldError[] {
  if (compareQuantities(parseQuantity(amount), zero) >= 0) return [];
  return [invalidValue(Path.of('capacity'), amount, 'must be greater than or equal to 0')];
}
