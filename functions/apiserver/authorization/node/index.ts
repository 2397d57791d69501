/**
 * The Node authorizer ("Using Node Authorization"; KEP-4601 for selectors): a node reads what its pods use, and writes
 * what is its own; the NodeRestriction plugin looks into what it writes.
 */
import { quote } from '../../../../lib/api/validate/quote.ts';
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from '../port.ts';
import { nodeRules } from '../bootstrap-policy/index.ts';
import { CompiledRules } from '../rbac/rule.ts';
import type { NodeGraph } from './graph.ts';
import { nodeNameOf } from './identity.ts';

const leaseNamespace = 'kube-node-lease';
const yes: AuthorizationDecision = { decision: 'allow' };

type Check = (node: string, attributes: AuthorizationAttributes, graph: NodeGraph) => Answer;
type Answer = AuthorizationDecision | Promise<AuthorizationDecision>;

export function createNodeAuthorizer(graph: NodeGraph): Authorizer {
  const rules = new CompiledRules(nodeRules);
  return {
    authorize(attributes) {
      const node = nodeNameOf(attributes.user);
      if (node === undefined) return no();
      if (node === '') return no(`unknown node for user ${quote(attributes.user.username)}`);
      const type = attributes.apiGroup
        ? `${attributes.apiGroup}/${attributes.resource}`
        : attributes.resource;
      const check = attributes.isResourceRequest && Object.hasOwn(checks, type) ? checks[type] : undefined;
      if (check) return check(node, attributes, graph);
      return rules.allow(attributes) ? yes : no();
    },
    rulesFor(user) {
      const isNode = nodeNameOf(user) !== undefined;
      return Promise.resolve({
        resourceRules: [],
        nonResourceRules: [],
        incomplete: isNode,
        errors: isNode ? ['node authorizer does not support user rule resolution'] : [],
      });
    },
  };
}

/** What depends on which node asks. */
const checks: Readonly<Record<string, Check>> = {
  secrets: readUsed,
  configmaps: readUsed,
  persistentvolumeclaims: (node, attributes, graph) =>
    attributes.subresource === 'status'
      ? updateUsedStatus(node, attributes, graph)
      : getUsed(node, attributes, graph),
  persistentvolumes: getUsed,
  'resource.k8s.io/resourceclaims': getUsed,
  'storage.k8s.io/volumeattachments': getUsed,
  serviceaccounts: serviceAccount,
  'coordination.k8s.io/leases': lease,
  'storage.k8s.io/csinodes': csiNode,
  'resource.k8s.io/resourceslices': resourceSlice,
  'certificates.k8s.io/podcertificaterequests': podCertificateRequest,
  nodes: nodeObject,
  pods: pod,
};

async function used(
  node: string,
  { resource, namespace, name }: AuthorizationAttributes,
  graph: NodeGraph,
): Promise<AuthorizationDecision> {
  if (name === '') return no('No Object name found');
  if (await graph.reaches(node, resource, namespace, name)) return yes;
  return no(`no relationship found between node '${node}' and this object`);
}

function getUsed(node: string, attributes: AuthorizationAttributes, graph: NodeGraph): Answer {
  if (attributes.verb !== 'get') return no('can only get individual resources of this type');
  if (attributes.subresource !== '') return no('cannot get subresource');
  return used(node, attributes, graph);
}

function readUsed(node: string, attributes: AuthorizationAttributes, graph: NodeGraph): Answer {
  if (!['get', 'list', 'watch'].includes(attributes.verb)) return no('can only read resources of this type');
  if (attributes.subresource !== '') return no('cannot read subresource');
  if (attributes.namespace === '') return no('can only read namespaced object of this type');
  return used(node, attributes, graph);
}

function updateUsedStatus(node: string, attributes: AuthorizationAttributes, graph: NodeGraph): Answer {
  if (!['update', 'patch'].includes(attributes.verb)) return no('can only get/update/patch this type');
  return used(node, attributes, graph);
}

function serviceAccount(node: string, attributes: AuthorizationAttributes, graph: NodeGraph): Answer {
  const { verb, name, subresource } = attributes;
  // For credential providers of images (KEP-4412).
  if (verb === 'get' && subresource === '') return getUsed(node, attributes, graph);
  if (verb !== 'create' || name === '') {
    return no('can only create tokens for individual service accounts');
  }
  if (subresource !== 'token') return no('can only create token subresource of serviceaccount');
  return used(node, attributes, graph);
}

const ownVerbs = ['get', 'create', 'update', 'patch', 'delete'];

/** On a creation the name is in the object, which NodeRestriction looks at. */
function lease(node: string, { verb, namespace, name }: AuthorizationAttributes): Answer {
  if (!ownVerbs.includes(verb)) {
    return no('can only get, create, update, patch, or delete a node lease');
  }
  if (namespace !== leaseNamespace) {
    return no(`can only access leases in the "${leaseNamespace}" system namespace`);
  }
  if (verb !== 'create' && name !== node) {
    return no('can only access node lease with the same name as the requesting node');
  }
  return yes;
}

function csiNode(node: string, { verb, subresource, name }: AuthorizationAttributes): Answer {
  if (!ownVerbs.includes(verb)) return no('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return no('cannot authorize CSINode subresources');
  if (verb !== 'create' && name !== node) {
    return no('can only access CSINode with the same name as the requesting node');
  }
  return yes;
}

function resourceSlice(node: string, attributes: AuthorizationAttributes, graph: NodeGraph): Answer {
  if (attributes.subresource !== '') return no('cannot authorize ResourceSlice subresources');
  switch (attributes.verb) {
    case 'create':
      return yes;
    case 'get':
    case 'update':
    case 'patch':
    case 'delete':
      return used(node, attributes, graph);
    case 'list':
    case 'watch':
    case 'deletecollection':
      if (selectsNode(attributes, node)) return yes;
      return no('can only list/watch/deletecollection resourceslices with nodeName field selector');
    default:
      return no(
        'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
      );
  }
}

/** What is asked for is looked at by NodeRestriction. */
function podCertificateRequest(node: string, attributes: AuthorizationAttributes, graph: NodeGraph): Answer {
  if (attributes.subresource !== '') {
    return no('nodes may not access the status subresource of PodCertificateRequests');
  }
  switch (attributes.verb) {
    case 'create':
      return yes;
    case 'get':
      return used(node, attributes, graph);
    case 'list':
    case 'watch':
      if (selectsNode(attributes, node)) return yes;
      return no('can only list/watch podcertificaterequests with nodeName field selector');
    default:
      return no(`nodes may not ${attributes.verb} podcertificaterequests`);
  }
}

function nodeObject(node: string, { verb, subresource, name }: AuthorizationAttributes): Answer {
  if (subresource === '') {
    if (['create', 'update', 'patch'].includes(verb)) return yes;
    if (['get', 'list', 'watch'].includes(verb)) {
      if (name === node) return yes;
      return no(`node '${node}' cannot read ${name ? `'${name}'` : 'all nodes'}, only its own Node object`);
    }
  }
  return subresource === 'status' && ['update', 'patch'].includes(verb) ? yes : no();
}

function pod(node: string, attributes: AuthorizationAttributes, graph: NodeGraph): Answer {
  const { verb, subresource, name } = attributes;
  switch (subresource) {
    case '':
      if (verb === 'get') return getUsed(node, attributes, graph);
      if (verb === 'list' || verb === 'watch') {
        if (selectsNode(attributes, node)) return yes;
        if (name !== '') return used(node, attributes, graph);
        return no('can only list/watch pods with spec.nodeName field selector');
      }
      return verb === 'create' || verb === 'delete' ? yes : no();
    case 'status':
      return verb === 'update' || verb === 'patch' ? yes : no();
    case 'eviction':
      return verb === 'create' ? yes : no();
    default:
      return no();
  }
}

function selectsNode({ fieldSelector = [] }: AuthorizationAttributes, node: string): boolean {
  return fieldSelector.some(
    ({ key, operator, values = [] }) =>
      key === 'spec.nodeName' && operator === 'In' && values.length === 1 && values[0] === node,
  );
}

function no(reason?: string): AuthorizationDecision {
  return { decision: 'noOpinion', ...(reason && { reason }) };
}
