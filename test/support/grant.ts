import type { PolicyRule } from '../../lib/api/gen/types.ts';
import { must } from './answers.ts';
import type { TestServer } from './api-server.ts';

const apiGroup = 'rbac.authorization.k8s.io';
const path = `/apis/${apiGroup}/v1`;

/**
 * Lets somebody do something in the whole cluster, by a role of that name with these rules.
 * @returns The path of the binding; deleting it takes the right back.
 */
export async function grant(
  server: TestServer,
  subject: { kind: 'User' | 'Group'; name: string },
  name: string,
  rules: readonly PolicyRule[],
): Promise<string> {
  const roleRef = { apiGroup, kind: 'ClusterRole', name };
  const binding = { metadata: { name }, roleRef, subjects: [{ apiGroup, ...subject }] };
  await must(server.post(`${path}/clusterroles`, { metadata: { name }, rules }), 201);
  await must(server.post(`${path}/clusterrolebindings`, binding), 201);
  return `${path}/clusterrolebindings/${name}`;
}
