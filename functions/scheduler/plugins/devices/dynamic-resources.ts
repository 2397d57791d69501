import type { AllocationResult, Pod } from '../../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../../lib/api/object.ts';
import { type NodeMatcher, nodeSelectorMatcher } from '../../../../lib/api/scheduling/node-selector.ts';
import { durationMs } from '../../../../lib/api/validate/go-duration.ts';
import { AssumeCache } from '../../framework/assume-cache.ts';
import { stateKey } from '../../framework/cycle-state.ts';
import type { EventHint, Plugin, PluginContext } from '../../framework/plugin.ts';
import { errorStatus, skip, type Status, unresolvable, unschedulable } from '../../framework/status.ts';
import { differ } from '../../object-changes.ts';
import { scaleToLargest } from '../normalize.ts';
import { type Allocation, Allocator } from './allocator.ts';
import { awaitDevices, bindClaim, deallocate, unreserveClaim } from './claim-binder.ts';
import { canBeReserved, type Claim, claimsOf, isReservedFor } from './pod-claims.ts';
import { type Pool, poolsOf } from './pools.ts';
import { expressionsAreLoaded, loadExpressions } from './expressions.ts';
import { classesOf, demandOf } from './requests.ts';
import { Usage } from './usage.ts';

export interface DynamicResourcesArgs {
  /** How long the search for devices may take on one node, as a duration. Default 10s; 0s: as long as it takes. */
  filterTimeout?: string;
  /** How long drivers may take to make devices ready once they are allocated, as a duration. Default 600s. */
  bindingTimeout?: string;
}

interface ClaimState {
  claim: Claim;
  /** Where the devices that it has can be used. */
  availableOn: NodeMatcher | undefined;
  /** Decided, and not yet written. */
  allocation: AllocationResult | undefined;
}

interface DeviceState {
  readonly claims: ClaimState[];
  readonly allocator: Allocator | undefined;
  /** The claims without devices, in the order of the allocator's answers. */
  readonly pending: readonly ClaimState[];
  readonly byNode: Map<string, readonly Allocation[]>;
  /** Claims whose devices cannot be had on some node that was looked at. */
  readonly unavailable: Set<ClaimState>;
}

const devicesKey = stateKey<DeviceState>('devices');
const cannotAllocate = unresolvable('cannot allocate all claims');
const notAvailable = unresolvable('resourceclaim not available on the node');
const timedOut = unresolvable('timed out trying to allocate devices');
const defaultFilterTimeout = '10s';
const defaultBindingTimeout = '600s';
/** As many alternatives as a request may have: the first is worth the most. */
const maxAlternatives = 8;

/** Gives pods the devices that their resource claims ask for, with the node where these are (Dynamic Resource Allocation). */
export function dynamicResources(args: DynamicResourcesArgs, context: PluginContext): Plugin {
  const { objects, log } = context;
  const claims = new AssumeCache(objects.resourceClaims);
  /** Decided allocations that are being written, by the claim's uid. */
  const inFlight = new Map<string, AllocationResult>();
  const timeoutMs = durationMs(args.bindingTimeout ?? defaultBindingTimeout);
  const filterTimeoutMs = durationMs(args.filterTimeout ?? defaultFilterTimeout);
  const classOf = (name: string) => objects.deviceClasses.get(name);

  function usageNow(pools: Iterable<Pool>): Usage {
    const byName = new Map([...pools].map((pool) => [`${pool.driver}/${pool.name}`, pool]));
    const poolOf = (driver: string, pool: string) => byName.get(`${driver}/${pool}`);
    const usage = new Usage();
    for (const { metadata, status } of claims.list()) {
      const allocation = status?.allocation ?? inFlight.get(metadata.uid);
      if (allocation) usage.addAllocation(allocation, poolOf);
    }
    return usage;
  }

  function stateOf(pod: Persisted<Pod>, found: readonly Claim[]): DeviceState | Status {
    const states: ClaimState[] = [];
    for (const claim of found) {
      const allocated = claim.status?.allocation;
      if (allocated) {
        if (!isReservedFor(claim, pod) && !canBeReserved(claim)) return unresolvable('resourceclaim in use');
        const availableOn = allocated.nodeSelector && nodeSelectorMatcher(allocated.nodeSelector);
        states.push({ claim, availableOn, allocation: undefined });
        continue;
      }
      if (inFlight.has(claim.metadata.uid)) return unresolvable('resource claim is being allocated');
      for (const request of claim.spec.devices?.requests ?? []) {
        const missing = classesOf(request).find(({ className }) => !classOf(className));
        if (missing) {
          const { name, className } = missing;
          return unresolvable(`request ${name}: device class ${className} does not exist`);
        }
      }
      states.push({ claim, availableOn: undefined, allocation: undefined });
    }
    const pending = states.filter(({ claim }) => !claim.status?.allocation);
    let allocator: Allocator | undefined;
    if (pending.length > 0) {
      const pools = poolsOf(objects.resourceSlices.list());
      const demands = pending.map(({ claim }) => demandOf(claim, classOf));
      allocator = new Allocator(demands, pools, usageNow(pools.keys()), classOf);
    }
    return { claims: states, allocator, pending, byNode: new Map(), unavailable: new Set() };
  }

  return {
    name: 'DynamicResources',
    load({ pod }) {
      return pod.spec.resourceClaims?.length && !expressionsAreLoaded() ? loadExpressions() : undefined;
    },
    events,
    preEnqueue(pod) {
      if (!pod.spec.resourceClaims?.length) return undefined;
      const found = claimsOf(pod, (key) => claims.get(key));
      return typeof found === 'string' ? unresolvable(found) : undefined;
    },
    preFilter(state, { pod }) {
      if (!pod.spec.resourceClaims?.length) return { status: skip };
      const found = claimsOf(pod, (key) => claims.get(key));
      if (typeof found === 'string') return { status: unresolvable(found) };
      if (found.length === 0) return { status: skip };
      const devices = stateOf(pod, found);
      if ('code' in devices) return { status: devices };
      state.write(devicesKey, devices);
      return undefined;
    },
    filter(state, _pod, node) {
      const devices = state.read(devicesKey);
      const unavailable = devices.claims.filter(({ availableOn }) => availableOn && !availableOn(node));
      if (unavailable.length > 0) {
        for (const claim of unavailable) devices.unavailable.add(claim);
        return notAvailable;
      }
      if (!devices.allocator) return undefined;
      try {
        const untilMs = filterTimeoutMs ? context.clock.now() + filterTimeoutMs : Number.POSITIVE_INFINITY;
        const allocations = devices.allocator.allocate(node, () => context.clock.now() >= untilMs);
        if (allocations === 'timedOut') return timedOut;
        if (!allocations) return cannotAllocate;
        devices.byNode.set(node.name, allocations);
        return undefined;
      } catch (error) {
        return errorStatus(error);
      }
    },
    postFilter(state, { pod }) {
      // Said of pods without any claim as well.
      const devices = state.find(devicesKey);
      if (!devices) return { status: unschedulable('no new claims to deallocate') };
      for (const { claim } of devices.unavailable) {
        const reservedFor = claim.status?.reservedFor ?? [];
        if (!reservedFor.every(({ uid }) => uid === pod.metadata.uid)) continue;
        deallocate(context, claim).catch((error: unknown) =>
          log.warn({ err: error, claim: keyOf(claim) }, 'a claim could not be deallocated'),
        );
        return { status: unschedulable('deallocation of ResourceClaim completed') };
      }
      return { status: unschedulable('still not schedulable') };
    },
    preScore(state, _pod) {
      const devices = state.find(devicesKey);
      const hasChoice = devices?.pending.some(({ claim }) =>
        claim.spec.devices?.requests?.some(({ firstAvailable }) => firstAvailable?.length),
      );
      return hasChoice ? undefined : skip;
    },
    score(state, _pod, node) {
      const allocations = state.read(devicesKey).byNode.get(node.name) ?? [];
      return allocations.reduce(
        (sum, { ranks }) => sum + ranks.reduce((all, rank) => all + maxAlternatives - rank, 0),
        0,
      );
    },
    normalizeScores: (_state, _pod, _nodes, scores) => scaleToLargest(scores, false),
    reserve(state, _pod, nodeName) {
      const devices = state.find(devicesKey);
      if (!devices?.allocator) return undefined;
      const allocations = devices.byNode.get(nodeName);
      if (!allocations) return errorStatus(new Error('claim allocation not found for node'));
      devices.pending.forEach((pending, index) => {
        pending.allocation = allocations[index]?.result;
        if (pending.allocation) inFlight.set(pending.claim.metadata.uid, pending.allocation);
      });
      return undefined;
    },
    unreserve(state, { pod }) {
      for (const { claim, allocation } of state.find(devicesKey)?.claims ?? []) {
        if (allocation) inFlight.delete(claim.metadata.uid);
        if (!claim.status?.allocation || !isReservedFor(claim, pod)) continue;
        unreserveClaim(context, claim, pod).catch((error: unknown) =>
          log.warn({ err: error, claim: keyOf(claim) }, 'a reservation could not be taken back'),
        );
      }
    },
    async preBind(state, { pod }, _nodeName, signal) {
      const devices = state.find(devicesKey);
      for (const found of devices?.claims ?? []) {
        if (isReservedFor(found.claim, pod)) continue;
        const bound = await bindClaim(context, found.claim, found.allocation, pod);
        claims.assume(bound);
        inFlight.delete(bound.metadata.uid);
        found.claim = bound;
      }
      for (const { claim } of devices?.claims ?? []) await awaitDevices(context, claim, timeoutMs, signal);
      return undefined;
    },
  };
}

const events: readonly EventHint[] = [
  {
    resource: 'ResourceClaim',
    actions: ['Add', 'Update', 'Delete'],
    hint: ({ pod }, { before, after }) => {
      const [was, is] = [before as Claim | undefined, after as Claim | undefined];
      // Devices that are free again may be the ones that anybody waits for.
      if (was?.status?.allocation && !is?.status?.allocation) return 'Queue';
      // A driver that adds its finalizer helps nobody.
      if (was && is && !differ(was.status, is.status)) return 'Skip';
      const { namespace, name } = pod.metadata;
      const names = (pod.spec.resourceClaims ?? []).map(
        ({ name: local, resourceClaimName }) =>
          resourceClaimName ??
          pod.status?.resourceClaimStatuses?.find((one) => one.name === local)?.resourceClaimName,
      );
      const isOurs =
        is?.metadata.namespace === namespace &&
        (names.includes(is?.metadata.name) ||
          is?.metadata.ownerReferences?.some(
            ({ uid, name: owner }) => uid === pod.metadata.uid && owner === name,
          ));
      return isOurs ? 'Queue' : 'Skip';
    },
  },
  { resource: 'Pod', actions: ['UpdatePodGeneratedResourceClaim'] },
  { resource: 'Node', actions: ['Add', 'UpdateNodeLabel'] },
  { resource: 'DeviceClass', actions: ['Add', 'Update'] },
  { resource: 'ResourceSlice', actions: ['Add', 'Update'] },
];
