import type { Pod, Secret, ServiceAccount } from '../../../lib/api/gen/types.ts';
import { keyOf, splitKey } from '../../../lib/api/object.ts';
import { configMaps, pods, secrets, serviceAccounts } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';

const secretType = 'kubernetes.io/service-account-token';
const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';
const tracking = 'kube-system/kube-apiserver-legacy-service-account-token-tracking';
const dayMs = 24 * 60 * 60_000;
/** kube-controller-manager's `--legacy-service-account-token-clean-up-period`. */
const unusedMs = 365 * dayMs;

/**
 * Tokens that were once made for every account and that nobody used for a year are labelled as invalid, and deleted
 * after another year (KEP-2799). Those that somebody made by hand, or a pod mounts, stay.
 */
export const legacyTokenCleanerController: ControllerEntry = {
  name: 'legacy-serviceaccount-token-cleaner',
  component: 'legacy-service-account-token-cleaner',
  create,
};

function create({ client, clock, lister, log }: ControllerContext): Controller {
  const all = lister(secrets);
  const accounts = lister(serviceAccounts);
  const allPods = lister(pods);
  const maps = lister(configMaps);

  function isUnused(secret: Secret, beforeMs: number): boolean {
    const trackedSinceMs = parseDate(maps.get(tracking)?.data?.since);
    // Tracked from some time of that day on: the next day's begin is certain.
    if (trackedSinceMs === undefined || trackedSinceMs + dayMs > beforeMs) return false;
    if (Date.parse(secret.metadata.creationTimestamp ?? '') >= beforeMs) return false;
    const lastUsed = secret.metadata.labels?.[lastUsedLabel];
    if (lastUsed === undefined) return true;
    // One that cannot be read is no proof that nobody needs it.
    return parseDate(lastUsed) !== undefined && lastUsed < dateOf(beforeMs);
  }

  function isAutomatic({ metadata }: Secret): boolean {
    const { namespace = '', name = '', annotations = {} } = metadata;
    const account = accounts.get(`${namespace}/${annotations['kubernetes.io/service-account.name']}`);
    return (
      account !== undefined &&
      account.metadata.uid === annotations['kubernetes.io/service-account.uid'] &&
      refersTo(account, name) &&
      !allPods.list(namespace).some((pod) => mounts(pod, name))
    );
  }

  async function reconcile(key: string): Promise<Result> {
    const secret = all.get(key);
    if (!secret || secret.type !== secretType || secret.metadata.deletionTimestamp) return done;
    const now = clock.now();
    const again = requeueAfter(dayMs);
    if (!isUnused(secret, now - unusedMs) || !isAutomatic(secret)) return again;
    const { namespace, name } = splitKey(key);
    const { uid, resourceVersion } = secret.metadata;
    const invalidSince = secret.metadata.labels?.[invalidSinceLabel];
    try {
      if (parseDate(invalidSince) === undefined) {
        const patch = { metadata: { uid, resourceVersion, labels: { [invalidSinceLabel]: dateOf(now) } } };
        await client.patch(secrets, { namespace, name }, { type: 'merge', patch });
      } else if ((invalidSince ?? '') < dateOf(now - unusedMs)) {
        log.info({ secret: key }, 'deleting a service account token that nobody has used for long');
        await client.delete(secrets, { namespace, name }, { preconditions: { uid, resourceVersion } });
        return done;
      }
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
    return again;
  }

  return {
    name: 'legacy-serviceaccount-token-cleaner',
    watches: [watchOf(secrets, ({ after }) => (after?.type === secretType ? [keyOf(after)] : []))],
    reconcile,
  };
}

/** Accounts refer to the tokens that were made with them, not to those that somebody made later. */
function refersTo({ secrets: references = [] }: ServiceAccount, name: string): boolean {
  return references.some((reference) => reference.name === name);
}

function mounts({ spec }: Pod, name: string): boolean {
  return (spec?.volumes ?? []).some(({ secret }) => secret?.secretName === name);
}

/** `2026-01-31`. */
function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function parseDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
