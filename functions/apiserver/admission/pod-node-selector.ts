import type { Namespace } from '../../../lib/api/gen/types.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../pipeline/admission.ts';
import { lookUp, refusal, writtenPod } from './common.ts';

export interface PodNodeSelectorOptions {
  /** For namespaces that say nothing: `env=test,disk=ssd`. */
  clusterDefaultNodeSelector?: string;
  /** What pods of a namespace may select by at all; those that are not named may not select by anything else. */
  whitelist?: Readonly<Record<string, string>>;
}

const annotation = 'scheduler.alpha.kubernetes.io/node-selector';

/** A namespace chooses the nodes for all of its pods. */
export function podNodeSelector(cache: WatchCache, options: PodNodeSelectorOptions): AdmissionPlugin {
  const selectorOf = async (attributes: AdmissionAttributes): Promise<Record<string, string>> => {
    const namespace = await lookUp<Namespace>(cache, 'namespaces', attributes.namespace);
    const text = namespace?.metadata.annotations?.[annotation] ?? options.clusterDefaultNodeSelector ?? '';
    const selector = parseNodeSelector(text);
    if (!selector) throw refusal(attributes, `invalid node selector of the namespace: ${text}`);
    return selector;
  };

  return {
    name: 'PodNodeSelector',
    types: ['pods'],

    async mutate(attributes) {
      const pod = writtenPod(attributes);
      if (!pod || attributes.operation !== 'CREATE') return;
      const selector = await selectorOf(attributes);
      const present = pod.spec.nodeSelector ?? {};
      if (isConflicting(present, selector)) {
        throw refusal(attributes, 'pod node label selector conflicts with its namespace node label selector');
      }
      const merged = { ...present, ...selector };
      if (Object.keys(merged).length > 0) pod.spec.nodeSelector = merged;
    },

    async validate(attributes) {
      const pod = writtenPod(attributes);
      if (!pod || attributes.operation !== 'CREATE') return;
      const present = pod.spec.nodeSelector ?? {};
      if (isConflicting(present, await selectorOf(attributes))) {
        throw refusal(attributes, 'pod node label selector conflicts with its namespace node label selector');
      }
      const allowed = options.whitelist?.[attributes.namespace];
      if (allowed === undefined) return;
      const list = parseNodeSelector(allowed) ?? {};
      const isInside = Object.entries(present).every(([key, value]) => list[key] === value);
      if (Object.keys(list).length > 0 && !isInside) {
        throw refusal(attributes, 'pod node label selector labels conflict with its namespace whitelist');
      }
    },
  };
}

function isConflicting(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return Object.entries(a).some(([key, value]) => Object.hasOwn(b, key) && b[key] !== value);
}

/** `a=b,c=d`; undefined where it is not of that form. */
export function parseNodeSelector(text: string): Record<string, string> | undefined {
  if (text.trim() === '') return {};
  const pairs = text.split(',').map((part) => part.split('=').map((one) => one.trim()));
  if (pairs.some((pair) => pair.length !== 2 || !pair[0])) return undefined;
  return Object.fromEntries(pairs) as Record<string, string>;
}
