import type {
  DeviceRequest,
  Namespace,
  ResourceClaimTemplate,
  ResourceV1ResourceClaim,
} from '../../../lib/api/gen/types.ts';
import { invalid } from '../../../lib/api/status.ts';
import { type FieldError, fieldForbidden } from '../../../lib/api/validate/field-error.ts';
import { Path } from '../../../lib/api/validate/path.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { current, writtenObject } from './common.ts';

const label = 'resource.kubernetes.io/admin-access';

/**
 * Access to devices that others use is for namespaces that say so (KEP-5018). Upstream checks it with the rules of the
 * kind, which cannot be switched off, and so cannot this.
 */
export function deviceAdminAccess(cache: WatchCache): AdmissionPlugin {
  return {
    name: 'DeviceAdminAccess',
    types: ['resource.k8s.io/resourceclaims', 'resource.k8s.io/resourceclaimtemplates'],
    async validate(attributes) {
      if (attributes.operation !== 'CREATE') return;
      const claim = writtenObject<ResourceV1ResourceClaim>(attributes, 'resource.k8s.io/resourceclaims');
      const template = writtenObject<ResourceClaimTemplate>(
        attributes,
        'resource.k8s.io/resourceclaimtemplates',
      );
      const requests = (template?.spec.spec ?? claim?.spec)?.devices?.requests ?? [];
      const errors = adminRequests(requests);
      if (errors.length === 0) return;
      const namespace = await current<Namespace>(cache, 'namespaces', attributes.namespace);
      if (namespace?.metadata.labels?.[label] === 'true') return;
      throw invalid(attributes.entry.definition, attributes.name, errors);
    },
  };
}

function adminRequests(requests: readonly DeviceRequest[]): FieldError[] {
  return requests.flatMap(({ exactly }, index) => {
    if (!exactly?.adminAccess) return [];
    const path = Path.of('spec', 'devices', 'requests').index(index).child('exactly', 'adminAccess');
    const detail = `admin access to devices requires the \`${label}: true\` label on the containing namespace`;
    return [fieldForbidden(path, detail)];
  });
}
