import { namespaces, serviceAccounts } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';

const defaultName = 'default';

/** Keeps a ServiceAccount "default" in every namespace. */
export const serviceAccountController: ControllerEntry = {
  name: 'serviceaccount',
  component: 'serviceaccount-controller',
  create,
};

function create({ client, lister }: ControllerContext): Controller {
  const spaces = lister(namespaces);
  const accounts = lister(serviceAccounts);

  /** The key is the namespace's. */
  async function reconcile(namespace: string): Promise<Result> {
    const space = spaces.get(namespace);
    if (!space || space.metadata.deletionTimestamp || space.status?.phase === 'Terminating') return done;
    if (accounts.get(`${namespace}/${defaultName}`)) return done;
    try {
      await client.create(serviceAccounts, { metadata: { name: defaultName, namespace } });
    } catch (error) {
      if (!isKind(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
    }
    return done;
  }

  return {
    name: 'serviceaccount',
    watches: [
      watchOf(namespaces, ownKey),
      watchOf(serviceAccounts, ({ before, after }) =>
        before && !after && before.metadata.name === defaultName ? [before.metadata.namespace ?? ''] : [],
      ),
    ],
    reconcile,
  };
}
