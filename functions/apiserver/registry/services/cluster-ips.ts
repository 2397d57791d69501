/** The addresses of one Service that is written. */
import type { Service, ServiceCIDR } from '../../../../lib/api/gen/types.ts';
import { isHeadless } from '../../../../lib/api/kinds/core/service/index.ts';
import { invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { formatIp, parseIp } from '../../../../lib/api/validate/ip.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import { initFamilies, isUntouchedPreference } from './families.ts';
import { rangeIsFull, refuse, type Taking } from './hold.ts';
import { type AddressRange, addressRange, type IpFamily, isInRange } from './ranges.ts';

const path = Path.of('spec', 'clusterIPs');

/**
 * Gives a Service an address of each of its families, if it is to have any. What it had stays its own; what it no
 * longer has is not given back here.
 */
export async function holdClusterIps(
  service: Service,
  old: Service | undefined,
  { configured, cache, ips }: { configured: readonly IpFamily[]; cache: WatchCache; ips: Taking },
): Promise<void> {
  refuse(service, initFamilies(service, old, configured));
  const { spec } = service;
  if (spec.type === 'ExternalName' || isHeadless(service) || isUntouchedPreference(service, old)) return;
  const had = old && old.spec.type !== 'ExternalName' ? (old.spec.clusterIPs ?? []) : [];
  if (had[0] === 'None') return;
  const families = spec.ipFamilies ?? [];
  let ranges: AddressRange[] | undefined;
  const asked = [...(spec.clusterIPs ?? [])];
  const given = asked.slice(0, families.length);
  // The first address of a Service that has one never changes: what is said of that is validation's.
  for (let index = had.length; index < families.length; index++) {
    const family = families[index];
    ranges ??= await readyRanges(cache);
    const own = ranges.filter((range) => range.family === family);
    const text = asked[index];
    given[index] = text
      ? await takeAsked(service, text, own, ips)
      : await takeFree(own, family === 'IPv6' ? 6 : 4, ips);
  }
  if (given.length === 0) return;
  spec.clusterIPs = given;
  spec.clusterIP = given[0];
}

async function takeAsked(
  service: Service,
  text: string,
  ranges: readonly AddressRange[],
  ips: Taking,
): Promise<string> {
  const ip = parseIp(text);
  const fail = (why: string) =>
    refuse(service, [invalidValue(path, service.spec.clusterIPs, `failed to allocate IP ${text}: ${why}`)]);
  if (!ip || !ranges.some((range) => isInRange(range, ip))) {
    fail('the provided network does not match the current range');
  } else if (!(await ips.take(formatIp(ip)))) fail('provided IP is already allocated');
  return text;
}

async function takeFree(ranges: readonly AddressRange[], family: 4 | 6, ips: Taking): Promise<string> {
  const ip = await ips.takeAny(ranges, (value) => formatIp({ family, value }));
  if (ip === undefined) throw rangeIsFull('serviceIP');
  return ip;
}

/**
 * What addresses are chosen from now: the ranges of all ServiceCIDRs that are ready and not on their way out, the
 * oldest first. One that nobody has said anything of yet is ready (KEP-1880).
 */
async function readyRanges(cache: WatchCache): Promise<AddressRange[]> {
  const { items } = await cache.list('networking.k8s.io/servicecidrs');
  const created = ({ metadata }: ServiceCIDR) => `${metadata.creationTimestamp} ${metadata.name}`;
  const cidrs = items
    .map(({ object }) => object as unknown as ServiceCIDR)
    .filter((one) => one.metadata.deletionTimestamp === undefined && isReady(one))
    .sort((a, b) => (created(a) < created(b) ? -1 : 1))
    .flatMap(({ spec }) => spec.cidrs ?? []);
  return [...new Set(cidrs)].flatMap((cidr) => addressRange(cidr) ?? []);
}

function isReady({ status }: ServiceCIDR): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True';
}
