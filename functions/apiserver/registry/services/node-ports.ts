/** The node ports of one Service that is written. */
import type { Service } from '../../../../lib/api/gen/types.ts';
import { needsHealthCheck } from '../../../../lib/api/kinds/core/service/index.ts';
import { internal } from '../../../../lib/api/status.ts';
import { invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { rangeIsFull, refuse, type Taking } from './hold.ts';
import type { NumberRange } from './ranges.ts';
import { nodePortsOf } from './reservations.ts';

const full = (range: NumberRange) => `${range.first}-${range.first + range.size - 1n}`;

/** As `holdClusterIps`, for `spec.ports[*].nodePort` and `spec.healthCheckNodePort`. */
export async function holdNodePorts(
  service: Service,
  old: Service | undefined,
  options: { range: NumberRange; ports: Taking },
): Promise<void> {
  const { type } = service.spec;
  if (type === 'NodePort' || type === 'LoadBalancer') {
    if (old) await updatePorts(service, nodePortsOf(old), options);
    else await createPorts(service, options);
  }
  await holdHealthCheck(service, old, options);
}

type Options = Parameters<typeof holdNodePorts>[2];

/** Of a new Service, entries for the same port of several protocols (DNS) share their node port. */
async function createPorts(service: Service, options: Options): Promise<void> {
  const byPort = new Map<number, number>();
  const all = service.spec.ports ?? [];
  for (const [index, port] of all.entries()) {
    if (!port.nodePort && !wantsPorts(service)) continue;
    const shared = byPort.get(port.port);
    if (shared !== undefined && (!port.nodePort || port.nodePort === shared)) {
      port.nodePort = shared;
      continue;
    }
    const asked = port.nodePort || all.find((one) => one.port === port.port && one.nodePort)?.nodePort;
    if (asked) await takeAsked(service, index, asked, options);
    port.nodePort = asked ?? (await takeFree(options));
    byPort.set(port.port, shared ?? port.nodePort);
  }
}

async function updatePorts(service: Service, had: readonly number[], options: Options): Promise<void> {
  const seen = new Set(had);
  for (const [index, port] of (service.spec.ports ?? []).entries()) {
    if (!port.nodePort && !wantsPorts(service)) continue;
    if (!port.nodePort) port.nodePort = await takeFree(options);
    else if (!seen.has(port.nodePort)) await takeAsked(service, index, port.nodePort, options);
    seen.add(port.nodePort);
  }
}

async function holdHealthCheck(service: Service, old: Service | undefined, options: Options): Promise<void> {
  if (!needsHealthCheck(service) || (old && needsHealthCheck(old))) return;
  const { spec } = service;
  if (!spec.healthCheckNodePort) {
    spec.healthCheckNodePort = await takeFree(options, 'HealthCheck NodePort 0');
    return;
  }
  const why = await failure(spec.healthCheckNodePort, options);
  if (why) {
    throw internal(`failed to allocate requested HealthCheck NodePort ${spec.healthCheckNodePort}: ${why}`);
  }
}

function wantsPorts({ spec }: Service): boolean {
  return spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false;
}

async function takeAsked(service: Service, index: number, port: number, options: Options): Promise<void> {
  const why = await failure(port, options);
  if (!why) return;
  refuse(service, [invalidValue(Path.of('spec', 'ports').index(index).child('nodePort'), port, why)]);
}

async function failure(port: number, { range, ports }: Options): Promise<string | undefined> {
  const value = BigInt(port);
  if (value < range.first || value >= range.first + range.size) {
    return `provided port is not in the valid range. The range of valid ports is ${full(range)}`;
  }
  return (await ports.take(String(port))) ? undefined : 'provided port is already allocated';
}

async function takeFree({ range, ports }: Options, what = 'nodePort'): Promise<number> {
  const port = await ports.takeAny([range], String);
  if (port === undefined) throw rangeIsFull(what);
  return Number(port);
}
