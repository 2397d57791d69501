import type { ClusterRole, PolicyRule } from '../../../lib/api/gen/types.ts';
import { matchesLabels, selectorFromObject } from '../../../lib/api/selectors/index.ts';
import { sameValue } from '../../../lib/api/validate/equal.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import { clusterRoles } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';

/** ClusterRoles with an aggregation rule hold the rules of all roles that it selects (API reference, "Aggregated ClusterRoles"). */
export const clusterRoleAggregationController: ControllerEntry = {
  name: 'clusterrole-aggregation',
  component: 'clusterrole-aggregation-controller',
  create,
};

const fieldManager = 'clusterrole-aggregation-controller';

function create({ client, lister }: ControllerContext): Controller {
  const roles = lister(clusterRoles);

  async function reconcile(name: string): Promise<Result> {
    const role = roles.get(name);
    const selectors = role?.aggregationRule?.clusterRoleSelectors;
    if (!role || !selectors) return done;
    const sources = roles
      .list()
      .filter((other) => other.metadata.name !== name)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const rules: PolicyRule[] = [];
    for (const selector of selectors.map(selectorFromObject)) {
      for (const source of sources) {
        if (!matchesLabels(selector, source.metadata.labels)) continue;
        for (const rule of source.rules ?? []) {
          if (!rules.some((known) => sameValue(known, rule))) rules.push(rule);
        }
      }
    }
    if (sameValue(rules, role.rules)) return done;
    try {
      await client.patch(
        clusterRoles,
        { name },
        {
          type: 'apply',
          patch: {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRole',
            metadata: { name, uid: role.metadata.uid },
            rules,
          },
        },
        { fieldManager, force: true },
      );
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
    return done;
  }

  /** Whatever changes may be, or have been, part of any role that aggregates. */
  function concerned({ before, after }: ObjectChange<ClusterRole>): string[] {
    if (before && after && before !== after) {
      const isSame = (['rules', 'aggregationRule'] as const).every((field) =>
        sameValue(before[field], after[field]),
      );
      if (isSame && sameValue(before.metadata.labels, after.metadata.labels)) return [];
    }
    return roles.list().flatMap(({ metadata, aggregationRule }) => (aggregationRule ? [metadata.name] : []));
  }

  return { name: 'clusterrole-aggregation', watches: [watchOf(clusterRoles, concerned)], reconcile };
}
