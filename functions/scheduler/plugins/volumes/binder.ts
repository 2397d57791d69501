import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../../lib/api/object.ts';
import {
  bindCompleted,
  boundByController,
  classOfClaim,
  notMadeFor,
  requestedBytes,
  selectedNode,
} from '../../../../lib/api/storage/claims.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../../../lib/client/resources.ts';
import { pause } from '../../../../lib/clock.ts';
import { AssumeCache } from '../../framework/assume-cache.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PluginContext } from '../../framework/plugin.ts';
import { claimVolumes } from './claims.ts';
import { allowsTopology, hasCapacity, matchingVolume, reachable } from './matching.ts';

type Claim = Persisted<PersistentVolumeClaim>;
type Volume = Persisted<PersistentVolume>;

/** The claims of a pod, by what is to be done about each. */
export interface PodClaims {
  bound: Claim[];
  /** The scheduler chooses a node first (WaitForFirstConsumer). */
  delayed: Claim[];
  /** Should be bound by now. */
  immediate: Claim[];
}

/** What is to be done for a pod's claims on one node. */
export interface VolumePlan {
  bindings: { claim: Claim; volume: Volume }[];
  provisions: Claim[];
}

const reasons = {
  nodeConflict: 'node(s) had volume node affinity conflict',
  bindConflict: "node(s) didn't find available persistent volumes to bind",
  noSpace: 'node(s) did not have enough free storage',
  noVolume: 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
};

/** Chooses volumes for claims that wait for their pod's node, remembers the choice, and has the API make it real. */
export class VolumeBinder {
  readonly #context: PluginContext;
  readonly #claims: AssumeCache<PersistentVolumeClaim>;
  readonly #volumes: AssumeCache<PersistentVolume>;
  readonly #timeoutMs: number;

  constructor(context: PluginContext, timeoutSeconds: number) {
    this.#context = context;
    this.#claims = new AssumeCache(context.objects.claims);
    this.#volumes = new AssumeCache(context.objects.volumes);
    this.#timeoutMs = timeoutSeconds * 1000;
  }

  claim(key: string): Claim | undefined {
    return this.#claims.get(key);
  }

  /** @throws Error for what no controller will mend by itself. */
  claimsOf(pod: Pod): PodClaims {
    const found: PodClaims = { bound: [], delayed: [], immediate: [] };
    for (const { key, isEphemeral } of claimVolumes(pod)) {
      const claim = this.#claims.get(key);
      if (!claim) throw new Error(`error getting PVC "${key}": could not find v1.PersistentVolumeClaim`);
      const foreign = isEphemeral ? notMadeFor(pod, claim) : undefined;
      if (foreign) throw new Error(foreign);
      if (isFullyBound(claim)) found.bound.push(claim);
      else if (!claim.spec.volumeName && this.#isDelayed(claim)) found.delayed.push(claim);
      else found.immediate.push(claim);
    }
    return found;
  }

  #isDelayed(claim: Claim): boolean {
    const className = classOfClaim(claim);
    const storageClass = className ? this.#context.objects.storageClasses.get(className) : undefined;
    if (!storageClass) return false;
    if (!storageClass.volumeBindingMode)
      throw new Error(`VolumeBindingMode not set for StorageClass "${className}"`);
    return storageClass.volumeBindingMode === 'WaitForFirstConsumer';
  }

  /** What would be done on the node, or why it cannot be the one. */
  plan({ bound, delayed }: PodClaims, node: NodeInfo): VolumePlan | readonly string[] {
    const problems = [...this.#boundProblems(bound, node)];
    const chosen = delayed.filter(({ metadata }) => metadata.annotations?.[selectedNode] !== undefined);
    if (chosen.some(({ metadata }) => metadata.annotations?.[selectedNode] !== node.name)) {
      return [...problems, reasons.bindConflict];
    }
    const plan: VolumePlan = { bindings: [], provisions: [...chosen] };
    const taken = new Set<string>();
    // The smallest claim first, so that it does not take what a larger one needs.
    const open = delayed
      .filter((claim) => !chosen.includes(claim))
      .sort((a, b) => requestedBytes(a) - requestedBytes(b));
    for (const claim of open) {
      const volume = matchingVolume(claim, this.#volumes.byIndex('class', classOfClaim(claim)), node, taken);
      if (!volume) {
        plan.provisions.push(claim);
        continue;
      }
      taken.add(volume.metadata.name);
      plan.bindings.push({ claim, volume });
    }
    for (const claim of plan.provisions) {
      const problem = this.#provisionProblem(claim, node);
      if (!problem) continue;
      problems.push(problem);
      break;
    }
    return problems.length > 0 ? problems : plan;
  }

  *#boundProblems(bound: readonly Claim[], node: NodeInfo): Iterable<string> {
    for (const { spec } of bound) {
      const volume = this.#volumes.get(spec.volumeName ?? '');
      if (!volume) return void (yield reasons.noVolume);
      if (!reachable(volume, node)) return void (yield reasons.nodeConflict);
    }
  }

  #provisionProblem(claim: Claim, node: NodeInfo): string | undefined {
    const { objects } = this.#context;
    const storageClass = objects.storageClasses.get(classOfClaim(claim));
    const provisioner = storageClass?.provisioner;
    if (!storageClass || !provisioner || provisioner === 'kubernetes.io/no-provisioner')
      return reasons.bindConflict;
    if (!allowsTopology(storageClass, node)) return reasons.bindConflict;
    const size = requestedBytes(claim);
    // Drivers that do not publish their capacity are taken at their word.
    if (size === 0 || !objects.csiDrivers.get(provisioner)?.spec.storageCapacity) return undefined;
    const className = storageClass.metadata.name;
    return objects.storageCapacities
      .list()
      .some((capacity) => capacity.storageClassName === className && hasCapacity(capacity, size, node))
      ? undefined
      : reasons.noSpace;
  }

  /** Holds the plan from now on, before the API knows: answers it with what is to be written. */
  assume({ bindings, provisions }: VolumePlan, nodeName: string): VolumePlan {
    const plan: VolumePlan = {
      bindings: bindings.map(({ claim, volume }) => ({ claim, volume: reservedFor(volume, claim) })),
      provisions: provisions.map((claim) => withAnnotation(claim, selectedNode, nodeName)),
    };
    for (const { volume } of plan.bindings) this.#volumes.assume(volume);
    for (const claim of plan.provisions) this.#claims.assume(claim);
    return plan;
  }

  restore({ bindings, provisions }: VolumePlan): void {
    this.#volumes.restore(...bindings.map(({ volume }) => keyOf(volume)));
    this.#claims.restore(...provisions.map((claim) => keyOf(claim)));
  }

  /**
   * Writes the plan and waits until the volume controller and the provisioners have done the rest.
   * @throws Error when something of it came undone, or took longer than the time-out.
   */
  async bind(plan: VolumePlan, pod: Persisted<Pod>, node: NodeInfo, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#context;
    const written: VolumePlan = { bindings: [], provisions: [] };
    for (const { claim, volume } of plan.bindings) {
      written.bindings.push({ claim, volume: await client.update(persistentVolumes, volume) });
    }
    for (const claim of plan.provisions) {
      written.provisions.push(await client.update(persistentVolumeClaims, claim));
    }
    const deadline = clock.now() + this.#timeoutMs;
    for (let waitMs = 25; !this.#isDone(written, pod, node); waitMs = Math.min(1_000, waitMs * 2)) {
      if (clock.now() > deadline) throw new Error('binding volumes: context deadline exceeded');
      await pause(clock, waitMs, signal);
      signal.throwIfAborted();
    }
  }

  #isDone({ bindings, provisions }: VolumePlan, pod: Persisted<Pod>, node: NodeInfo): boolean {
    const { framework } = this.#context;
    if (!framework.podExists(pod)) throw new Error(`binding volumes: pod does not exist any more`);
    const states = [
      ...bindings.map(({ claim, volume }) => this.#isBound(claim, volume, node)),
      ...provisions.map((claim) => this.#isProvisioned(claim, node)),
    ];
    return states.every(Boolean);
  }

  #isBound(claim: Claim, written: Volume, node: NodeInfo): boolean {
    const { name } = written.metadata;
    const volume = this.#volumes.stored(name);
    const current = this.#claims.stored(keyOf(claim));
    if (!volume || !current) throw new Error('binding volumes: failed to check binding: not found');
    if (isOlder(volume, written)) return false;
    if (!reachable(volume, node)) throw new Error(`binding volumes: pv "${name}" ${affinityMismatch(node)}`);
    if (!volume.spec?.claimRef?.uid) throw new Error(`binding volumes: ClaimRef got reset for pv "${name}"`);
    return isFullyBound(current);
  }

  #isProvisioned(written: Claim, node: NodeInfo): boolean {
    const { name } = written.metadata;
    const claim = this.#claims.stored(keyOf(written));
    if (!claim) throw new Error('binding volumes: failed to check provisioning pvc: not found');
    if (isOlder(claim, written)) return false;
    // A provisioner that failed takes the annotation away, to have another node chosen.
    if (claim.metadata.annotations?.[selectedNode] !== node.name)
      throw new Error(`binding volumes: provisioning failed for PVC "${name}"`);
    if (!claim.spec.volumeName) return false;
    const volume = this.#volumes.stored(claim.spec.volumeName);
    if (!volume) return false;
    if (!reachable(volume, node))
      throw new Error(`binding volumes: pv "${volume.metadata.name}" ${affinityMismatch(node)}`);
    return isFullyBound(claim);
  }
}

function isFullyBound({ metadata, spec }: Claim): boolean {
  return Boolean(spec.volumeName) && metadata.annotations?.[bindCompleted] !== undefined;
}

/** Revisions of one type can be compared (KEP-5504). */
function isOlder(seen: Volume | Claim, written: Volume | Claim): boolean {
  return Number(seen.metadata.resourceVersion) < Number(written.metadata.resourceVersion);
}

function affinityMismatch({ name }: NodeInfo): string {
  return `node affinity doesn't match node "${name}": no matching NodeSelectorTerms`;
}

function reservedFor(volume: Volume, claim: Claim): Volume {
  const claimRef = {
    kind: 'PersistentVolumeClaim',
    apiVersion: 'v1',
    namespace: claim.metadata.namespace,
    name: claim.metadata.name,
    uid: claim.metadata.uid,
    resourceVersion: claim.metadata.resourceVersion,
  };
  // A volume that its owner has reserved stays so when the claim goes; one that was chosen here is free again.
  const isOurs = !volume.spec?.claimRef;
  const chosen = { ...volume, spec: { ...volume.spec, claimRef } };
  return isOurs ? withAnnotation(chosen, boundByController, 'yes') : chosen;
}

function withAnnotation<T extends Volume | Claim>(object: T, key: string, value: string): T {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, [key]: value } } };
}
