import type { Endpoints, Service } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { endpoints, pods, services } from '../../../lib/client/resources.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import { sameMap, semanticEqual } from '../common/equal.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import {
  headlessLabel,
  isEndpoint,
  isHeadless,
  podsOf,
  selectsPods,
  servicesConcerned,
  triggerTime,
  triggerTimeAnnotation,
} from '../common/service-pods.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import { without } from '../common/without.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';
import { subsetsOf } from './subsets.ts';

const overCapacity = 'endpoints.kubernetes.io/over-capacity';
const managedByLabel = 'endpoints.kubernetes.io/managed-by';

/** Keeps the Endpoints of Services with a selector, for clients from before EndpointSlices. */
export const endpointsController: ControllerEntry = {
  name: 'endpoints',
  component: 'endpoint-controller',
  create,
};

function create({ client, lister, recorder }: ControllerContext): Controller {
  const allServices = lister(services);
  const allPods = lister(pods);
  const all = lister(endpoints);

  function labelsOf(service: Persisted<Service>): Record<string, string> {
    return {
      ...without(service.metadata.labels, headlessLabel),
      ...(isHeadless(service) && { [headlessLabel]: '' }),
      [managedByLabel]: 'endpoint-controller',
    };
  }

  async function write(service: Persisted<Service>, found: Persisted<Endpoints> | undefined): Promise<void> {
    const { namespace, name } = service.metadata;
    const its = podsOf(service, allPods).filter((pod) =>
      isEndpoint(pod, Boolean(service.spec?.publishNotReadyAddresses)),
    );
    const { subsets, truncated } = subsetsOf(service, its);
    const labels = labelsOf(service);
    const {
      [triggerTimeAnnotation]: previous,
      [overCapacity]: capacity,
      ...annotations
    } = found?.metadata.annotations ?? {};
    const same = found && semanticEqual(found.subsets, subsets) && sameMap(found.metadata.labels, labels);
    if (same && (capacity === 'truncated') === truncated) return;
    const trigger = triggerTime(service, its, previous);
    const wanted: Endpoints = {
      ...found,
      metadata: {
        ...(found?.metadata ?? { namespace, name }),
        labels,
        annotations: {
          ...annotations,
          ...(trigger && { [triggerTimeAnnotation]: trigger }),
          ...(truncated && { [overCapacity]: 'truncated' }),
        },
      },
      subsets,
    };
    if (found) await client.update(endpoints, wanted);
    else await client.create(endpoints, wanted);
  }

  async function reconcile(key: string): Promise<Result> {
    const service = allServices.get(key);
    const found = all.get(key);
    try {
      if (!service) {
        // Endpoints carry no owner: what a Service leaves behind goes with it.
        if (found?.metadata.labels?.[managedByLabel]) {
          const { namespace, name, uid } = found.metadata;
          await client.delete(endpoints, { namespace, name }, { preconditions: { uid } });
        }
        return done;
      }
      if (selectsPods(service)) await write(service, found);
    } catch (error) {
      if (isNamespaceTerminating(error) || (!service && isKind(error, 'NotFound'))) return done;
      const reason = found ? 'FailedToUpdateEndpoint' : 'FailedToCreateEndpoint';
      const verb = found ? 'update' : 'create';
      if (service && !isKind(error, 'Conflict')) {
        recorder.event(
          found ?? service,
          'Warning',
          reason,
          `Failed to ${verb} endpoint ${key}: ${messageOf(error)}`,
        );
      }
      throw error;
    }
    return done;
  }

  return {
    name: 'endpoints',
    watches: [
      watchOf(services, ownKey),
      watchOf(endpoints, ownKey),
      watchOf(pods, (change) => servicesConcerned(change, allServices)),
    ],
    reconcile,
  };
}
