/** The rules of each kind; kinds that have none of their own keep those that hold for every object. */
import { configMapRules } from '../../../lib/api/kinds/config-map.ts';
import { endpointSliceRules } from '../../../lib/api/kinds/endpoint-slice.ts';
import { endpointsRules } from '../../../lib/api/kinds/endpoints.ts';
import { leaseRules } from '../../../lib/api/kinds/lease.ts';
import { namespaceRules } from '../../../lib/api/kinds/namespace.ts';
import { podRules } from '../../../lib/api/kinds/pod/index.ts';
import type { KindRules } from '../../../lib/api/kinds/rules.ts';
import { secretRules } from '../../../lib/api/kinds/secret.ts';
import { serviceRules } from '../../../lib/api/kinds/service/index.ts';
import { serviceAccountRules } from '../../../lib/api/kinds/service-account.ts';
import { nameIsSubdomain } from '../../../lib/api/validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../../lib/api/validate/object-meta.ts';
import type { ResourceDefinition } from './definition.ts';
import { type AnyObject, copyField, specChanged } from './any-object.ts';

const own: Readonly<Record<string, KindRules>> = {
  '/ConfigMap': configMapRules,
  '/Endpoints': endpointsRules,
  '/Namespace': namespaceRules,
  '/Pod': podRules,
  '/Secret': secretRules,
  '/Service': serviceRules,
  '/ServiceAccount': serviceAccountRules,
  'coordination.k8s.io/Lease': leaseRules,
  'discovery.k8s.io/EndpointSlice': endpointSliceRules,
};

export function rulesFor(definition: ResourceDefinition): KindRules {
  return own[`${definition.group}/${definition.kind}`] ?? commonRules(definition);
}

function commonRules({ kind, group, namespaced, subresources }: ResourceDefinition): KindRules {
  const hasStatus = subresources.some(({ name }) => name === 'status');
  return {
    namespaced,
    allowUnconditionalUpdate: true,
    allowCreateOnUpdate: kind === 'Event',
    applyDefaults: () => undefined,
    prepareForCreate(object) {
      // A Node may bring its status along: kubelets register so.
      if (hasStatus && kind !== 'Node') (object as AnyObject).status = {};
    },
    prepareForUpdate(object, old) {
      if (hasStatus) copyField(object as AnyObject, old as AnyObject, 'status');
    },
    validateCreate: ({ metadata }) => validateObjectMeta(metadata, { namespaced, nameRule: nameIsSubdomain }),
    validateUpdate: (object, old) => validateObjectMetaUpdate(object.metadata, old.metadata),
    ...(hasStatus && {
      prepareForStatusUpdate(object: AnyObject, old: AnyObject) {
        copyField(object, old, 'spec');
        if (group === 'apps') object.metadata.labels = old.metadata.labels;
      },
      validateStatusUpdate: (object: AnyObject, old: AnyObject) =>
        validateObjectMetaUpdate(object.metadata, old.metadata),
    }),
    ...(group === 'apps' && {
      generationChanged: (object: AnyObject, old: AnyObject) => specChanged(object, old),
    }),
  } as KindRules;
}
