import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../../lib/api/gen/types.ts';
import { joinKey, type Persisted } from '../../../lib/api/object.ts';
import type { Lister } from '../../../lib/client/lister.ts';
import { persistentVolumeClaims, pods } from '../../../lib/client/resources.ts';
import { isKind, KumulusError, messageOf } from '../../../lib/errors.ts';
import { asError } from '../common/as-error.ts';
import { slowStartBatch } from '../common/batch.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import type { ControllerContext } from '../context.ts';
import { claimsOf } from './identity.ts';
import type { Plan, Step, Turn } from './plan.ts';
import { wantedReferences } from './retention.ts';

type Set = Persisted<StatefulSet>;
type Claim = Persisted<PersistentVolumeClaim>;

/** What was done of a plan. */
export interface Done {
  /** Pods taken away so that newer ones take their place. */
  updatesBegun: number;
  /** Why the rest was not done. */
  error: Error | undefined;
}

export type Effects = (set: Set, plan: Plan) => Promise<Done>;

export function createEffects(context: ControllerContext, claims: Lister<PersistentVolumeClaim>): Effects {
  const { client, recorder } = context;

  function note(set: Set, verb: string, podName: string, error?: unknown): void {
    const action = `${verb} Pod ${podName} in StatefulSet ${set.metadata.name}`;
    const reason = verb.charAt(0).toUpperCase() + verb.slice(1);
    if (error === undefined) recorder.event(set, 'Normal', `Successful${reason}`, `${action} successful`);
    else recorder.event(set, 'Warning', `Failed${reason}`, `${action} failed error: ${messageOf(error)}`);
  }

  async function createClaim(set: Set, claim: PersistentVolumeClaim, podName: string): Promise<Claim> {
    const name = claim.metadata.name ?? '';
    const pod = `Pod ${podName} in StatefulSet ${set.metadata.name}`;
    try {
      const created = await client.create(persistentVolumeClaims, claim);
      recorder.event(set, 'Normal', 'SuccessfulCreate', `create Claim ${name} ${pod} success`);
      return created;
    } catch (error) {
      if (isKind(error, 'AlreadyExists') || isNamespaceTerminating(error)) throw error;
      const message = `create Claim ${name} for ${pod} failed error: ${messageOf(error)}`;
      recorder.event(set, 'Warning', 'FailedCreate', message);
      if (!(error instanceof KumulusError)) throw error;
      throw new KumulusError(error.kind, `failed to create PVC ${name}: ${error.message}`, { cause: error });
    }
  }

  /** Those that there are, and those that were lacking. */
  async function provideClaims(set: Set, ordinal: number, podName: string): Promise<Claim[]> {
    const provided: Claim[] = [];
    for (const claim of claimsOf(set, ordinal)) {
      const { namespace, name = '' } = claim.metadata;
      const found = claims.get(joinKey(namespace, name));
      if (found?.metadata.deletionTimestamp) throw new Error(`pvc ${name} is being deleted`);
      provided.push(found ?? (await createClaim(set, claim, podName)));
    }
    return provided;
  }

  async function ownClaims(set: Set, pod: Persisted<Pod>, all: readonly Claim[]): Promise<void> {
    for (const claim of all) {
      const ownerReferences = wantedReferences(claim, { set, pod });
      if (!ownerReferences) continue;
      const metadata = { ...claim.metadata, ownerReferences };
      await client.update(persistentVolumeClaims, { ...claim, metadata });
    }
  }

  function existingClaims(set: Set, ordinal: number): Claim[] {
    return claimsOf(set, ordinal)
      .map(({ metadata }) => claims.get(joinKey(metadata.namespace, metadata.name ?? '')))
      .filter((claim) => claim !== undefined);
  }

  async function createPod(set: Set, pod: Pod, ordinal: number): Promise<void> {
    const name = pod.metadata.name ?? '';
    let created: Persisted<Pod>;
    let provided: Claim[];
    try {
      provided = await provideClaims(set, ordinal, name);
      created = await client.create(pods, pod);
    } catch (error) {
      if (!isKind(error, 'AlreadyExists') && !isNamespaceTerminating(error)) note(set, 'create', name, error);
      throw error;
    }
    note(set, 'create', name);
    await ownClaims(set, created, provided);
  }

  async function deletePod(set: Set, { metadata: { namespace, name, uid } }: Persisted<Pod>): Promise<void> {
    try {
      await client.delete(pods, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (isKind(error, 'NotFound', 'Conflict')) return;
      note(set, 'delete', name, error);
      throw error;
    }
    note(set, 'delete', name);
  }

  async function repair(set: Set, pod: Persisted<Pod>, ordinal: number): Promise<void> {
    const { name } = pod.metadata;
    try {
      await provideClaims(set, ordinal, name);
      await client.update(pods, pod);
    } catch (error) {
      if (!isKind(error, 'Conflict', 'NotFound')) note(set, 'update', name, error);
      throw error;
    }
    note(set, 'update', name);
  }

  async function carryOut(set: Set, step: Step): Promise<void> {
    switch (step.do) {
      case 'create':
        return createPod(set, step.pod, step.ordinal);
      case 'delete':
        return deletePod(set, step.pod);
      case 'claim':
        return ownClaims(set, step.pod, await provideClaims(set, step.ordinal, step.pod.metadata.name));
      case 'repair':
        return repair(set, step.pod, step.ordinal);
      case 'own':
        return ownClaims(set, step.pod, existingClaims(set, step.ordinal));
    }
  }

  return async (set, plan) => {
    let updatesBegun = 0;
    const take = async (turn: Turn) => {
      for (const step of turn) {
        await carryOut(set, step);
        if (step.do === 'delete' && step.isUpdate) updatesBegun++;
      }
    };
    for (const phase of plan) {
      const turns = phase.filter((turn) => turn.length > 0);
      const error =
        set.spec.podManagementPolicy === 'Parallel'
          ? await takeTogether(turns, take)
          : await takeInOrder(turns, take);
      if (error) return { updatesBegun, error };
    }
    return { updatesBegun, error: undefined };
  };
}

async function takeInOrder(
  turns: readonly Turn[],
  take: (turn: Turn) => Promise<void>,
): Promise<Error | undefined> {
  try {
    for (const turn of turns) await take(turn);
    return undefined;
  } catch (error) {
    return asError(error);
  }
}

async function takeTogether(
  turns: readonly Turn[],
  take: (turn: Turn) => Promise<void>,
): Promise<Error | undefined> {
  const rest = [...turns];
  const { error } = await slowStartBatch(turns.length, () => take(rest.shift() ?? []));
  return error === undefined ? undefined : asError(error);
}
