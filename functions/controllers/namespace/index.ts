import type { Namespace } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { namespaces, pods } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { semanticEqual } from '../common/equal.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { type ContentState, deletionConditions } from './conditions.ts';
import { deleteContent } from './content.ts';

const finalizer = 'kubernetes';

/** Empties a namespace that is being deleted, pods first (KEP-5080), and then lets it go. */
export const namespaceController: ControllerEntry = {
  name: 'namespace',
  component: 'namespace-controller',
  concurrency: 10,
  create,
};

function create({ client, lister, clock }: ControllerContext): Controller {
  const spaces = lister(namespaces);

  /** Resolves with an estimate in seconds of what is left to wait for; 0 when the namespace is empty. */
  async function empty(namespace: string, state: ContentState): Promise<number> {
    const { resources, failures } = await client.discover();
    state.discoveryErrors.push(...failures);
    const deletable = resources.filter(
      ({ namespaced, verbs }) => namespaced && verbs.includes('delete') && verbs.includes('list'),
    );
    const isPods = (group: string, plural: string) => group === '' && plural === 'pods';
    for (const resource of deletable.filter(({ group, plural }) => isPods(group, plural))) {
      const estimate = await deleteContent(client, namespace, resource, state);
      // Pods may need what else is in the namespace until they have ended.
      if (estimate > 0 || state.deletionErrors.length > 0) return estimate;
    }
    let longest = 0;
    for (const resource of deletable.filter(({ group, plural }) => !isPods(group, plural))) {
      longest = Math.max(longest, await deleteContent(client, namespace, resource, state));
    }
    return longest;
  }

  async function writeConditions(
    space: Persisted<Namespace>,
    state: ContentState,
  ): Promise<Persisted<Namespace>> {
    const conditions = deletionConditions(space.status?.conditions ?? [], state, clock.now());
    if (semanticEqual(conditions, space.status?.conditions) && space.status?.phase === 'Terminating')
      return space;
    const status = { ...space.status, phase: 'Terminating', conditions };
    return client.update(namespaces, { ...space, status }, { subresource: 'status' });
  }

  async function finalize(space: Persisted<Namespace>): Promise<void> {
    const finalizers = space.spec?.finalizers?.filter((name) => name !== finalizer) ?? [];
    const finalized = { ...space, spec: { ...space.spec, finalizers } };
    await client.update(namespaces, finalized, { subresource: 'finalize' });
  }

  async function reconcile(name: string): Promise<Result> {
    const space = spaces.get(name);
    if (!space?.metadata.deletionTimestamp || !space.spec?.finalizers?.includes(finalizer)) return done;
    const state: ContentState = {
      discoveryErrors: [],
      deletionErrors: [],
      remaining: new Map(),
      finalizers: new Map(),
    };
    const estimate = await empty(name, state);
    const isEmpty = estimate === 0 && state.deletionErrors.length === 0 && state.discoveryErrors.length === 0;
    try {
      // Kept up to date to the last pass: somebody may be watching what the deletion waits for.
      const written =
        isEmpty && !space.status?.conditions?.length ? space : await writeConditions(space, state);
      if (isEmpty) await finalize(written);
    } catch (error) {
      if (isKind(error, 'NotFound')) return done;
      throw error;
    }
    if (isEmpty) return done;
    if (estimate > 0) return requeueAfter((Math.floor(estimate / 2) + 1) * 1_000);
    throw new Error([...state.discoveryErrors, ...state.deletionErrors].join('; '));
  }

  return {
    name: 'namespace',
    watches: [
      watchOf(namespaces, ownKey),
      // The last pod that goes is what a deletion mostly waits for.
      watchOf(pods, ({ before, after }) => {
        const name = before && !after ? before.metadata.namespace : undefined;
        return name && spaces.get(name)?.metadata.deletionTimestamp ? [name] : [];
      }),
    ],
    reconcile,
  };
}
