/** What EventRateLimit and PodNodeSelector are told. */
import {
  checkKind,
  type ConfigDocument,
  type ConfigPath,
  listAt,
  objectAt,
  unsupported,
} from '../config-document.ts';
import { type EventLimit, eventLimitTypes } from './event-rate-limit.ts';
import { parseNodeSelector, type PodNodeSelectorOptions } from './pod-node-selector.ts';

/** `eventratelimit.admission.k8s.io/v1alpha1 Configuration` */
export function eventRateLimitSection(
  value: unknown,
  at: ConfigPath,
  document: ConfigDocument,
): { eventLimits: EventLimit[] } {
  const content = objectAt(value, at, ['apiVersion', 'kind', 'metadata', 'limits'], document);
  const apiVersions = ['eventratelimit.admission.k8s.io/v1alpha1'];
  checkKind(content, { apiVersions, kind: 'Configuration' }, document, at);
  const limits = listAt(content['limits'], [...at, 'limits'], document);
  if (limits.length === 0) document.refuse([...at, 'limits'], 'Invalid value: []: must not be empty');
  return { eventLimits: limits.map((limit, index) => readLimit(limit, [...at, 'limits', index], document)) };
}

function readLimit(value: unknown, at: ConfigPath, document: ConfigDocument): EventLimit {
  const { type, qps, burst, cacheSize } = objectAt(
    value,
    at,
    ['type', 'qps', 'burst', 'cacheSize'],
    document,
  );
  const known = eventLimitTypes.find((one) => one === type);
  if (!known) {
    const supported = eventLimitTypes.map((one) => JSON.stringify(one)).join(', ');
    return document.refuse([...at, 'type'], `${unsupported(type)}: supported values: ${supported}`);
  }
  const whole = (field: string, number: unknown, least: number, problem: string): number =>
    Number.isInteger(number) && (number as number) >= least
      ? (number as number)
      : document.refuse([...at, field], `Invalid value: ${JSON.stringify(number ?? 0)}: ${problem}`);
  const limit = {
    type: known,
    qps: whole('qps', qps, 1, 'must be positive'),
    burst: whole('burst', burst, 1, 'must be positive'),
  };
  const size = cacheSize === undefined ? 0 : whole('cacheSize', cacheSize, 0, 'must not be negative');
  return size > 0 ? { ...limit, cacheSize: size } : limit;
}

/** It has no kind: `podNodeSelectorPluginConfig` is a map of namespaces, and of one default. */
export function podNodeSelectorSection(
  value: unknown,
  at: ConfigPath,
  document: ConfigDocument,
): { podNodeSelector: PodNodeSelectorOptions } {
  const field = 'podNodeSelectorPluginConfig';
  const content = objectAt(value, at, [field], document);
  const own = objectAt(content[field] ?? {}, [...at, field], Object.keys(content[field] ?? {}), document);
  const whitelist: Record<string, string> = {};
  let clusterDefaultNodeSelector: string | undefined;
  for (const [name, selector] of Object.entries(own)) {
    if (typeof selector !== 'string' || !parseNodeSelector(selector)) {
      const problem = `Invalid value: ${JSON.stringify(selector)}: must be of the form key=value,key=value`;
      return document.refuse([...at, field, name], problem);
    }
    if (name === 'clusterDefaultNodeSelector') clusterDefaultNodeSelector = selector;
    else whitelist[name] = selector;
  }
  return {
    podNodeSelector: {
      whitelist,
      ...(clusterDefaultNodeSelector !== undefined && { clusterDefaultNodeSelector }),
    },
  };
}
