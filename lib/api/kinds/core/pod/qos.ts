import type { PodSpec } from '../../../gen/types.ts';
import { compareQuantities, parseQuantity, zero } from '../../../quantity/index.ts';

type Class = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** The quality of service class: from the pod's own resources where it has them, else from its containers'. */
export function qosClassOf(spec: PodSpec): Class {
  const holders = spec.resources
    ? [spec.resources]
    : [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => resources ?? {});
  let isAny = false;
  let isGuaranteed = true;
  for (const { requests = {}, limits = {} } of holders) {
    for (const name of ['cpu', 'memory']) {
      const request = amountOf(requests[name]);
      const limit = amountOf(limits[name]);
      if (request || limit) isAny = true;
      const isEqual = limit && request && compareQuantities(limit, request) === 0;
      if (!isEqual) isGuaranteed = false;
    }
  }
  if (!isAny) return 'BestEffort';
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

function amountOf(text: string | undefined) {
  if (text === undefined) return undefined;
  const quantity = parseQuantity(text);
  return compareQuantities(quantity, zero) > 0 ? quantity : undefined;
}
