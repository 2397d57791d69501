import { isIP } from 'node:net';
import type { Condition, IPAddress, ServiceCIDR } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { ipAddresses, serviceCidrs } from '../../../lib/client/resources.ts';
import { rfc3339 } from '../../../lib/clock.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { contains, inside } from './prefix.ts';

/** Says of ranges of Services' addresses that they are ready, and holds them while an address has no other (KEP-1880). */
export const serviceCidrController: ControllerEntry = {
  name: 'service-cidr-controller',
  component: 'service-cidrs-controller',
  create,
};

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
const managedBy = 'ipaddress.kubernetes.io/managed-by';
const allocator = 'ipallocator.k8s.io';
/** How long those who choose addresses may take to hear that a range is going. */
const deletionGraceMs = 10_000;
const inUse =
  'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';

function create(context: ControllerContext): Controller {
  const { client, clock } = context;
  const ranges = context.lister(serviceCidrs);
  const addresses = context.lister(ipAddresses);

  /** Whether every address that was chosen from it lies in another range as well. */
  function isFree({ metadata, spec }: ServiceCIDR): boolean {
    const others = ranges
      .list()
      .filter((other) => other.metadata.name !== metadata.name && !other.metadata.deletionTimestamp)
      .flatMap((other) => other.spec.cidrs ?? []);
    const open = (spec.cidrs ?? []).filter((cidr) => !others.some((other) => inside(cidr, other)));
    if (open.length === 0) return true;
    return !addresses
      .list()
      .some(
        (address) =>
          address.metadata.labels?.[managedBy] === allocator &&
          open.some((cidr) => contains(cidr, address.metadata.name)) &&
          !others.some((other) => contains(other, address.metadata.name)),
      );
  }

  async function tell(
    range: Persisted<ServiceCIDR>,
    says: Pick<Condition, 'status' | 'reason' | 'message'>,
  ): Promise<void> {
    const before = range.status?.conditions ?? [];
    const ready = before.find(({ type }) => type === 'Ready');
    if (ready?.status === says.status && ready.reason === says.reason && ready.message === says.message)
      return;
    const lastTransitionTime =
      ready && ready.status === says.status ? ready.lastTransitionTime : rfc3339(clock.now());
    const conditions = [
      ...before.filter(({ type }) => type !== 'Ready'),
      { type: 'Ready', ...says, lastTransitionTime },
    ];
    await client.update(
      serviceCidrs,
      { ...range, status: { ...range.status, conditions } },
      { subresource: 'status' },
    );
  }

  async function setFinalizers(
    range: Persisted<ServiceCIDR>,
    finalizers: string[],
  ): Promise<Persisted<ServiceCIDR>> {
    return await client.update(serviceCidrs, { ...range, metadata: { ...range.metadata, finalizers } });
  }

  async function reconcile(key: string): Promise<Result> {
    const range = ranges.get(key);
    if (!range) return done;
    const { deletionTimestamp, finalizers = [] } = range.metadata;
    if (!deletionTimestamp) {
      const held = finalizers.includes(finalizer)
        ? range
        : await setFinalizers(range, [...finalizers, finalizer]);
      await tell(held, { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' });
      return done;
    }
    if (!finalizers.includes(finalizer)) return done;
    if (!isFree(range)) {
      await tell(range, { status: 'False', reason: 'Terminating', message: inUse });
      return done;
    }
    const left = Date.parse(deletionTimestamp) + deletionGraceMs - clock.now();
    if (left > 0) return requeueAfter(left);
    await setFinalizers(
      range,
      finalizers.filter((name) => name !== finalizer),
    );
    return done;
  }

  /** The ranges that wait for an address to go, or for another range to take it over. */
  function leaving(address?: IPAddress): string[] {
    return ranges
      .list()
      .filter(
        ({ metadata, spec }) =>
          metadata.deletionTimestamp &&
          (!address ||
            (isIP(address.metadata.name ?? '') &&
              spec.cidrs?.some((cidr) => contains(cidr, address.metadata.name ?? '')))),
      )
      .map(({ metadata }) => metadata.name);
  }

  return {
    name: 'service-cidr-controller',
    watches: [
      watchOf(serviceCidrs, (change) => [...ownKey(change), ...leaving()]),
      watchOf(ipAddresses, ({ before, after }) => (before && !after ? leaving(before) : [])),
    ],
    reconcile,
  };
}
