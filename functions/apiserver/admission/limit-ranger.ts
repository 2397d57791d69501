import type {
  Container,
  LimitRange,
  LimitRangeItem,
  PersistentVolumeClaim,
  Pod,
} from '../../../lib/api/gen/types.ts';
import { aggregateResources, isPodLevelResource } from '../../../lib/api/kinds/core/pod/aggregate.ts';
import {
  approximateNumber,
  compareQuantities,
  parseQuantity,
  zero,
} from '../../../lib/api/quantity/index.ts';
import type { Amounts } from '../../../lib/api/quota/index.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../pipeline/admission.ts';
import { listAll, refusal } from './common.ts';

const annotation = 'kubernetes.io/limit-ranger';

/** Containers get the namespace's defaults, and containers, pods and claims stay within its bounds. */
export function limitRanger(cache: WatchCache): AdmissionPlugin {
  const rangesFor = async (attributes: AdmissionAttributes) =>
    isSupported(attributes) ? listAll<LimitRange>(cache, 'limitranges', attributes.namespace) : [];
  return {
    name: 'LimitRanger',
    types: ['pods', 'persistentvolumeclaims'],

    async mutate(attributes) {
      if (attributes.entry.storage !== 'pods') return;
      for (const range of await rangesFor(attributes)) {
        applyDefaults(attributes.object as unknown as Pod, range.spec.limits ?? []);
      }
    },

    async validate(attributes) {
      for (const range of await rangesFor(attributes)) {
        const errors = (range.spec.limits ?? []).flatMap((item) => violations(attributes, item));
        if (errors.length === 0) continue;
        const distinct = [...new Set(errors)];
        throw refusal(attributes, distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`);
      }
    },
  };
}

/** Containers of a pod change by resizing alone; what is going away is left in peace. */
function isSupported({ entry, operation, subresource, object, oldObject }: AdmissionAttributes): boolean {
  if (!object || (operation !== 'CREATE' && operation !== 'UPDATE')) return false;
  if (oldObject?.metadata.deletionTimestamp) return false;
  if (entry.storage === 'pods') {
    return operation === 'UPDATE' ? subresource === 'resize' : subresource === '';
  }
  return entry.storage === 'persistentvolumeclaims' && subresource === '';
}

function applyDefaults(pod: Pod, items: readonly LimitRangeItem[]): void {
  const ofContainers = items.filter(({ type }) => type === 'Container');
  const limits = Object.assign({}, ...ofContainers.map((item) => item.default)) as Amounts;
  const requests = Object.assign({}, ...ofContainers.map((item) => item.defaultRequest)) as Amounts;
  const notes = [
    ...pod.spec.containers.flatMap((one) => fill(one, 'container', requests, limits)),
    ...(pod.spec.initContainers ?? []).flatMap((one) => fill(one, 'init container', requests, limits)),
  ];
  if (notes.length === 0) return;
  const text = `LimitRanger plugin set: ${notes.join('; ')}`;
  pod.metadata.annotations = { ...pod.metadata.annotations, [annotation]: text };
}

function fill(container: Container, what: string, requests: Amounts, limits: Amounts): string[] {
  const notes: string[] = [];
  const resources = { ...container.resources };
  for (const [field, word, defaults] of [
    ['requests', 'request', requests],
    ['limits', 'limit', limits],
  ] as const) {
    const present = resources[field] ?? {};
    const added = Object.keys(defaults).filter((name) => !Object.hasOwn(present, name));
    if (added.length === 0) continue;
    resources[field] = { ...defaults, ...present };
    notes.push(`${added.sort().join(', ')} ${word} for ${what} ${container.name}`);
  }
  if (notes.length > 0) container.resources = resources;
  return notes;
}

function violations({ entry, object }: AdmissionAttributes, item: LimitRangeItem): string[] {
  if (entry.storage === 'persistentvolumeclaims') {
    if (item.type !== 'PersistentVolumeClaim') return [];
    const { spec } = object as unknown as PersistentVolumeClaim;
    return claimViolations(item, spec.resources?.requests ?? {});
  }
  const pod = object as unknown as Pod;
  if (item.type === 'Pod') return check(item, amountsOf(pod, 'requests'), amountsOf(pod, 'limits'));
  if (item.type !== 'Container') return [];
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ resources }) =>
    check(item, resources?.requests ?? {}, resources?.limits ?? {}),
  );
}

function amountsOf({ spec }: Pod, field: 'limits' | 'requests'): Amounts {
  const own = Object.entries(spec.resources?.[field] ?? {}).filter(([name]) => isPodLevelResource(name));
  return { ...aggregateResources(spec, field), ...Object.fromEntries(own) };
}

type Check = (name: string, bound: string, request?: string, limit?: string) => string | undefined;

function check(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  const { type } = item;
  const checks: [Amounts | undefined, Check][] = [
    [item.min, (...of) => belowMinimum(type, ...of)],
    [item.max, (...of) => aboveMaximum(type, ...of)],
    [item.maxLimitRequestRatio, (...of) => aboveRatio(type, ...of)],
  ];
  return checks.flatMap(([bounds, test]) =>
    Object.entries(bounds ?? {}).flatMap(
      ([name, bound]) => test(name, bound, requests[name], limits[name]) ?? [],
    ),
  );
}

function claimViolations(item: LimitRangeItem, requests: Amounts): string[] {
  const low = Object.entries(item.min ?? {}).flatMap(
    ([name, bound]) => belowMinimum(item.type, name, bound, requests[name]) ?? [],
  );
  const high = Object.entries(item.max ?? {}).flatMap(([name, bound]) => {
    const request = requests[name];
    const start = `maximum ${name} usage per ${item.type} is ${bound}`;
    if (request === undefined) return [`${start}.  No request is specified`];
    return compare(request, bound) > 0 ? [`${start}, but request is ${request}`] : [];
  });
  return [...low, ...high];
}

const compare = (a: string, b: string): number => compareQuantities(parseQuantity(a), parseQuantity(b));

function belowMinimum(type: string, name: string, bound: string, request?: string, limit?: string) {
  const start = `minimum ${name} usage per ${type} is ${bound}`;
  if (request === undefined) return `${start}.  No request is specified`;
  if (compare(request, bound) < 0) return `${start}, but request is ${request}`;
  if (limit !== undefined && compare(limit, bound) < 0) return `${start}, but limit is ${limit}`;
  return undefined;
}

function aboveMaximum(type: string, name: string, bound: string, request?: string, limit?: string) {
  const start = `maximum ${name} usage per ${type} is ${bound}`;
  if (limit === undefined) return `${start}.  No limit is specified`;
  if (compare(limit, bound) > 0) return `${start}, but limit is ${limit}`;
  if (request !== undefined && compare(request, bound) > 0) return `${start}, but request is ${request}`;
  return undefined;
}

function aboveRatio(type: string, name: string, bound: string, request?: string, limit?: string) {
  const start = `${name} max limit to request ratio per ${type} is ${bound}`;
  const isNone = (text?: string) => text === undefined || compareQuantities(parseQuantity(text), zero) === 0;
  if (isNone(request)) return `${start}, but no request is specified or request is 0`;
  if (isNone(limit)) return `${start}, but no limit is specified or limit is 0`;
  const [most, least] = [limit, request].map((text) => approximateNumber(parseQuantity(text ?? '0')));
  const ratio = (most ?? 0) / (least ?? 1);
  if (ratio <= approximateNumber(parseQuantity(bound))) return undefined;
  return `${start}, but provided ratio is ${ratio.toFixed(6)}`;
}
