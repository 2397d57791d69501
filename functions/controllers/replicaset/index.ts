import type { ReplicaSet } from '../../../lib/api/gen/types.ts';
import { selectorFromObject } from '../../../lib/api/selectors/index.ts';
import { replicaSets } from '../../../lib/client/resources.ts';
import { replicaController } from '../common/replicas/index.ts';
import type { ControllerEntry } from '../context.ts';

/** Keeps as many pods of a ReplicaSet as it asks for. */
export const replicaSetController: ControllerEntry = {
  name: 'replicaset',
  component: 'replicaset-controller',
  create: (context) =>
    replicaController<ReplicaSet>(context, {
      name: 'replicaset',
      resource: replicaSets,
      selectorOf: ({ spec }) => selectorFromObject(spec.selector),
      moreStatus: (terminating) => ({ terminatingReplicas: terminating.length }),
    }),
};
