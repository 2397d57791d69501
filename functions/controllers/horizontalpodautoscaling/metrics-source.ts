/**
 * The three metrics APIs (resource, custom and external metrics), which others serve through API aggregation. All values
 * are in thousandths of the metric's unit.
 */
import type { LabelSelector, V2CrossVersionObjectReference } from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { parseQuantity, quantityMilliValue } from '../../../lib/api/quantity/index.ts';
import { formatSelector, selectorFromObject } from '../../../lib/api/selectors/index.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import { apiVersionOf } from '../../../lib/client/resources.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';

/** What one pod uses; the sample covers the window before its time. */
export interface PodSample {
  milliValue: number;
  timestampMs: number;
  windowMs: number;
}

export interface MetricRef {
  name: string;
  selector?: LabelSelector | undefined;
}

/** Every method throws where there is no metric, in upstream's words. */
export interface MetricsSource {
  /** By pod name; of one container where it is named, else of all together. */
  resource(
    resource: string,
    namespace: string,
    podSelector: string,
    container: string | undefined,
  ): Promise<Map<string, PodSample>>;
  pods(metric: MetricRef, namespace: string, podSelector: string): Promise<Map<string, PodSample>>;
  object(metric: MetricRef, namespace: string, object: V2CrossVersionObjectReference): Promise<number>;
  external(metric: MetricRef, namespace: string): Promise<number>;
}

interface PodMetrics extends KubeObject {
  timestamp: string;
  window?: string;
  containers: { name: string; usage: Record<string, string> }[];
}

interface MetricValues extends KubeObject {
  items: {
    describedObject: { name: string };
    timestamp: string;
    windowSeconds?: number;
    value: string;
  }[];
}

interface ExternalValues extends KubeObject {
  items: { value: string }[];
}

const podMetrics: Resource<PodMetrics> = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  plural: 'pods',
  kind: 'PodMetrics',
  namespaced: true,
};
const defaultWindowMs = 60_000;

export function metricsSource(client: KubeClient): MetricsSource {
  const milli = (text: string) => quantityMilliValue(parseQuantity(text));

  async function custom(
    plural: string,
    namespaced: boolean,
    path: { namespace: string; name: string },
    { name: metric, selector }: MetricRef,
    labelSelector: string,
  ): Promise<MetricValues['items']> {
    const resource: Resource<MetricValues> = {
      group: 'custom.metrics.k8s.io',
      version: 'v1beta2',
      plural,
      kind: 'MetricValueList',
      namespaced,
    };
    const ref = namespaced ? path : { name: path.name };
    const query = queryOf(labelSelector, 'metricLabelSelector', selector);
    return (await client.get(resource, ref, { subresource: metric, query })).items;
  }

  return {
    async resource(resource, namespace, podSelector, container) {
      const found = await asked(
        'resource metrics API',
        () => client.list(podMetrics, { namespace, labelSelector: podSelector }),
        'pods.metrics.k8s.io',
      );
      if (found.items.length === 0) throw new Error('no metrics returned from resource metrics API');
      const samples = new Map<string, PodSample>();
      for (const { metadata, containers, timestamp, window } of found.items) {
        const of = container === undefined ? containers : containers.filter(({ name }) => name === container);
        const values = of.map(({ usage }) => usage[resource]);
        // A pod of which one container is not known is not known.
        if (values.length === 0 || values.includes(undefined)) continue;
        samples.set(metadata.name, {
          milliValue: values.reduce((sum, value) => sum + milli(value ?? '0'), 0),
          timestampMs: Date.parse(timestamp),
          windowMs: Number.parseFloat(window ?? '') * 1000 || defaultWindowMs,
        });
      }
      return samples;
    },
    async pods(metric, namespace, podSelector) {
      const values = await asked('custom metrics API', () =>
        custom('pods', true, { namespace, name: '*' }, metric, podSelector),
      );
      if (values.length === 0) throw new Error('no metrics returned from custom metrics API');
      return new Map(
        values.map(({ describedObject, value, timestamp, windowSeconds }) => [
          describedObject.name,
          {
            milliValue: milli(value),
            timestampMs: Date.parse(timestamp),
            windowMs: windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000,
          },
        ]),
      );
    },
    async object(metric, namespace, { kind, name, apiVersion }) {
      const [value] = await asked('custom metrics API', async () => {
        const { resources } = await client.discover();
        const described = resources.find(
          (one) => one.kind === kind && (!apiVersion || apiVersionOf(one) === apiVersion),
        );
        if (!described) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`);
        const { plural, group, namespaced } = described;
        return await custom(
          group ? `${plural}.${group}` : plural,
          namespaced,
          { namespace, name },
          metric,
          '',
        );
      });
      if (!value) throw new Error('no metrics returned from custom metrics API');
      return milli(value.value);
    },
    async external({ name, selector }, namespace) {
      const resource: Resource<ExternalValues> = {
        group: 'external.metrics.k8s.io',
        version: 'v1beta1',
        plural: name,
        kind: 'ExternalMetricValueList',
        namespaced: true,
      };
      const found = await asked('external metrics API', () =>
        client.list(resource, { namespace, labelSelector: selectorText(selector) }),
      );
      const values = (found as unknown as ExternalValues).items;
      if (values.length === 0) throw new Error('no metrics returned from external metrics API');
      return values.reduce((sum, { value }) => sum + milli(value), 0);
    },
  };
}

/** `target` is told where the server does not serve it at all. */
async function asked<T>(api: string, ask: () => Promise<T>, target?: string): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const what = target && isKind(error, 'NotFound') && !error.details?.name ? ` (get ${target})` : '';
    throw new Error(`unable to fetch metrics from ${api}: ${messageOf(error)}${what}`, { cause: error });
  }
}

function selectorText(selector: LabelSelector | undefined): string {
  return selector ? formatSelector(selectorFromObject(selector)) : '';
}

function queryOf(labelSelector: string, parameter: string, selector: LabelSelector | undefined) {
  const text = selectorText(selector);
  return { ...(labelSelector && { labelSelector }), ...(text && { [parameter]: text }) };
}
