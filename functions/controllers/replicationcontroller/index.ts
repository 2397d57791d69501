import type { ReplicationController } from '../../../lib/api/gen/types.ts';
import { nothing, selectorFromLabels } from '../../../lib/api/selectors/index.ts';
import { replicationControllers } from '../../../lib/client/resources.ts';
import { replicaController } from '../common/replicas/index.ts';
import type { ControllerEntry } from '../context.ts';

/** Keeps as many pods of a ReplicationController as it asks for: what a ReplicaSet does, by equality of labels alone. */
export const replicationControllerController: ControllerEntry = {
  name: 'replicationcontroller',
  component: 'replication-controller',
  create: (context) =>
    replicaController<ReplicationController>(context, {
      name: 'replicationcontroller',
      resource: replicationControllers,
      selectorOf: ({ spec }) => (spec.selector ? selectorFromLabels(spec.selector) : nothing),
    }),
};
