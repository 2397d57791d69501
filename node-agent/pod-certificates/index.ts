/**
 * The certificates of the pods on this node: asked for when a pod first wants one, and again when its signer says so. Keys
 * are in memory and in the pods' volumes, which are memory too: an agent that starts again asks for new ones, and pods go
 * on with those in their volumes until then.
 */
import type { Pod, PodCertificateProjection } from '../../lib/api/gen/types.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { PodEvents } from '../pods/sources.ts';
import { askForPodCertificate, type Credentials, type Issued, type Refused } from './request.ts';

export type { Credentials } from './request.ts';

export interface PodCertificates {
  /**
   * Of one source of a volume of the pod; the first call asks for it.
   * @throws NotIssuedYet; Error with the reason when the signer will not give one
   */
  credentials(pod: Pod, volume: string, index: number): Credentials;
  /** Another number whenever a certificate of the pod has come, or will not come. */
  revision(uid: string): number;
  /** The pod has ended. */
  forget(uid: string): void;
}

/** The signer has not answered; what the volume holds already is good meanwhile. */
export class NotIssuedYet extends Error {}

export interface PodCertificateOptions {
  client: KubeClient;
  /** Undefined as long as the node does not know itself. */
  node: () => { name: string; uid: string } | undefined;
  events: PodEvents;
  /** Told of each pod whose revision has changed. */
  changed: (uid: string) => void;
  clock: Clock;
  random: () => number;
  log: Logger;
  signal: AbortSignal;
}

const retry = { baseMs: 1_000, maxMs: 5 * 60_000 };
/** So that certificates which came together are not asked for together again. */
const jitterMs = 5 * 60_000;
const overdueMs = 10 * 60_000;
/** Between two requests, whatever a signer says. */
const leastMs = 60_000;
/** A timer's longest sleep, so that a clock that was set is noticed. */
const longestSleepMs = 60 * 60_000;

interface Kept {
  pod: Pod;
  projection: PodCertificateProjection;
  issued?: Issued & { refreshAtMs: number; toldOverdue: boolean; toldExpired: boolean };
  refused?: Refused;
  /** Why the last try failed. */
  problem?: string;
}

interface OfPod {
  revision: number;
  kept: Map<string, Kept>;
  stop: AbortController;
}

export function createPodCertificates(options: PodCertificateOptions): PodCertificates {
  const byPod = new Map<string, OfPod>();

  function changed(uid: string, of: OfPod): void {
    of.revision += 1;
    options.changed(uid);
  }

  function keptOf(uid: string): OfPod {
    const found = byPod.get(uid);
    if (found) return found;
    const made = { revision: 0, kept: new Map(), stop: new AbortController() };
    byPod.set(uid, made);
    return made;
  }

  return {
    credentials(pod, volume, index) {
      const { uid = '' } = pod.metadata;
      const of = keptOf(uid);
      const key = `${volume}/${index}`;
      let kept = of.kept.get(key);
      if (!kept) {
        kept = { pod, projection: projectionOf(pod, volume, index) };
        of.kept.set(key, kept);
        const signal = AbortSignal.any([options.signal, of.stop.signal]);
        // Ends with the pod or the agent, and goes on after every error.
        void keepFresh(kept, options, () => changed(uid, of), signal);
      }
      kept.pod = pod;
      if (kept.refused) {
        const { type, reason, message } = kept.refused;
        throw new Error(
          `PodCertificateRequest was permanently ${type.toLowerCase()}: reason=${JSON.stringify(reason)} message=${JSON.stringify(message)}`,
        );
      }
      if (kept.issued) return kept.issued.credentials;
      const why = kept.problem ? `: ${kept.problem}` : '';
      throw new NotIssuedYet(`credential bundle is not issued yet${why}`);
    },
    revision: (uid) => byPod.get(uid)?.revision ?? 0,
    forget(uid) {
      byPod.get(uid)?.stop.abort(new Error('the pod has ended'));
      byPod.delete(uid);
    },
  };
}

function projectionOf({ spec }: Pod, volume: string, index: number): PodCertificateProjection {
  const found = spec.volumes?.find(({ name }) => name === volume)?.projected?.sources?.[index];
  if (!found?.podCertificate) throw new Error(`volume "${volume}" has no podCertificate source ${index}`);
  return found.podCertificate;
}

async function keepFresh(
  kept: Kept,
  options: PodCertificateOptions,
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, log } = options;
  for (let failures = 0; !signal.aborted && !kept.refused; ) {
    const leftMs = (kept.issued?.refreshAtMs ?? 0) - clock.now();
    if (leftMs > 0) {
      await pause(clock, Math.min(leftMs, longestSleepMs), signal);
      continue;
    }
    tellOfAge(kept, options);
    try {
      await askOnce(kept, options, signal);
      delete kept.problem;
      failures = 0;
      changed();
    } catch (error) {
      if (signal.aborted) return;
      kept.problem = messageOf(error);
      const { namespace, name } = kept.pod.metadata;
      log.warn({ pod: `${namespace}/${name}`, err: kept.problem }, 'no certificate for a pod yet');
      await pause(clock, backoffMs(failures++, { ...retry, random }), signal);
    }
  }
}

async function askOnce(kept: Kept, options: PodCertificateOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, random, events } = options;
  const node = options.node();
  if (!node) throw new Error('the node is not registered yet');
  const answer = await askForPodCertificate(kept.pod, kept.projection, {
    ...{ client, node, clock, random, signal },
    waiting: () => tellOfAge(kept, options),
  });
  if ('credentials' in answer) {
    const refreshAtMs = Math.max(answer.beginRefreshAtMs + jitterMs * random(), clock.now() + leastMs);
    kept.issued = { ...answer, refreshAtMs, toldOverdue: false, toldExpired: false };
    return;
  }
  kept.refused = answer;
  const { type, request, reason, message } = answer;
  const what = type === 'Denied' ? 'was denied' : 'failed';
  const why = `reason=${JSON.stringify(reason)}, message=${JSON.stringify(message)}`;
  events.event(kept.pod, 'Warning', type, `PodCertificateRequest ${request} ${what}, ${why}`);
}

/** kubelet's events about a certificate that should have been replaced by now; each once. */
function tellOfAge({ pod, issued }: Kept, { clock, events }: PodCertificateOptions): void {
  if (!issued) return;
  if (!issued.toldOverdue && clock.now() > issued.refreshAtMs + overdueMs) {
    issued.toldOverdue = true;
    events.event(pod, 'Warning', 'CertificateOverdueForRefresh', 'PodCertificate refresh overdue');
  }
  if (!issued.toldExpired && clock.now() > issued.notAfterMs) {
    issued.toldExpired = true;
    events.event(pod, 'Warning', 'CertificateExpired', 'PodCertificate expired');
  }
}
