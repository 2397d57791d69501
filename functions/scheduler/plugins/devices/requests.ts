import type {
  DeviceAttribute,
  DeviceClass,
  DeviceConstraint,
  DeviceRequest,
  DeviceToleration,
  ResourceV1ResourceClaim,
} from '../../../../lib/api/gen/types.ts';
import type { DeviceMatcher } from './cel.ts';
import { deviceMatcher } from './expressions.ts';
import type { PoolDevice } from './pools.ts';

/** One way to meet a request: the request itself, or one of its alternatives (KEP-4816). */
export interface Alternative {
  /** `request`, or `request/subrequest`. */
  readonly name: string;
  readonly className: string;
  readonly matchers: readonly DeviceMatcher[];
  readonly mode: 'ExactCount' | 'All';
  readonly count: number;
  readonly adminAccess: boolean;
  readonly tolerations: readonly DeviceToleration[];
  readonly capacity: Readonly<Record<string, string>> | undefined;
}

export interface Request {
  readonly name: string;
  readonly alternatives: readonly Alternative[];
}

/** A claim with its expressions compiled. */
export interface Demand {
  readonly claim: ResourceV1ResourceClaim;
  readonly requests: readonly Request[];
  readonly constraints: readonly DeviceConstraint[];
}

/** @throws Error for an expression that cannot be compiled. */
export function demandOf(
  claim: ResourceV1ResourceClaim,
  classOf: (name: string) => DeviceClass | undefined,
): Demand {
  const { requests = [], constraints = [] } = claim.spec.devices ?? {};
  return {
    claim,
    constraints,
    requests: requests.map((request) => ({
      name: request.name,
      alternatives: alternativesOf(request).map(({ name, adminAccess, from }) => ({
        name,
        adminAccess,
        className: from.deviceClassName,
        matchers: [...(classOf(from.deviceClassName)?.spec.selectors ?? []), ...(from.selectors ?? [])].map(
          ({ cel }) => deviceMatcher(cel?.expression ?? 'false'),
        ),
        mode: from.allocationMode === 'All' ? 'All' : 'ExactCount',
        count: from.count ?? 1,
        tolerations: from.tolerations ?? [],
        capacity: from.capacity?.requests,
      })),
    })),
  };
}

/** The device classes that a request names, by the name of the alternative. */
export function classesOf(request: DeviceRequest): { name: string; className: string }[] {
  return alternativesOf(request).map(({ name, from }) => ({ name, className: from.deviceClassName }));
}

function alternativesOf({ name, exactly, firstAvailable }: DeviceRequest) {
  if (exactly) return [{ name, adminAccess: exactly.adminAccess ?? false, from: exactly }];
  return (firstAvailable ?? []).map((from) => ({ name: `${name}/${from.name}`, adminAccess: false, from }));
}

/** Whether the taints of the device let it be allocated (KEP-5055). */
export function tolerates({ device }: PoolDevice, tolerations: readonly DeviceToleration[]): boolean {
  return (device.taints ?? []).every(
    ({ key, value = '', effect }) =>
      (effect !== 'NoSchedule' && effect !== 'NoExecute') ||
      tolerations.some(
        (one) =>
          (!one.effect || one.effect === effect) &&
          (!one.key || one.key === key) &&
          (one.operator === 'Exists' || (one.value ?? '') === value),
      ),
  );
}

/** Whether devices may be allocated together, as the claim's constraints say of the requests that they are for. */
export function keepConstraints(
  constraints: readonly DeviceConstraint[],
  chosen: readonly { request: string; device: PoolDevice }[],
): boolean {
  return constraints.every(({ requests, matchAttribute, distinctAttribute }) => {
    const name = matchAttribute ?? distinctAttribute;
    if (!name) return true;
    const concerned = chosen.filter(
      ({ request }) =>
        !requests?.length || requests.some((one) => request === one || request.startsWith(`${one}/`)),
    );
    const values = concerned.map(({ device }) => valueOf(device, name));
    if (values.includes(undefined)) return false;
    const distinct = new Set(values).size;
    return matchAttribute ? distinct <= 1 : distinct === values.length;
  });
}

/** As text, for comparing; an attribute without a domain is one of the driver's. */
function valueOf({ device, driver }: PoolDevice, name: string): string | undefined {
  const { attributes = {} } = device;
  const own = name.startsWith(`${driver}/`) ? attributes[name.slice(driver.length + 1)] : undefined;
  const attribute: DeviceAttribute | undefined = attributes[name] ?? own;
  return attribute && JSON.stringify(attribute);
}
