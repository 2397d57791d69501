/** From a query to its answer: the cluster's own names from its view, everything else from the upstreams. */
import type { Answer, OptAnswer, Packet, RecordType } from 'dns-packet';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { Forwarder } from './forward.ts';
import type { Zone, ZoneAnswer } from './zone.ts';

const flags = { authoritative: 0x400, truncated: 0x200, recursionDesired: 0x100, recursionAvailable: 0x80 };
const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
type Rcode = keyof typeof rcodes;

/** As large as fits a packet of every network (DNS Flag Day 2020). */
const udpPayloadSize = 1232;

export interface ResolverOptions {
  zone: Zone;
  forwarder: Forwarder;
  /** Whether the cluster's objects are in memory: before, nothing is known of its names. */
  isSynced: () => boolean;
  log: Logger;
}

export type Resolver = (query: Packet) => Promise<Packet>;

export function createResolver({ zone, forwarder, isSynced, log }: ResolverOptions): Resolver {
  async function answer(query: Packet): Promise<Packet> {
    const [question, ...more] = query.questions ?? [];
    if (!question || more.length > 0) return respond(query, 'FORMERR');
    if (opcode(query) !== 'QUERY') return respond(query, 'NOTIMP');
    if ((question.class ?? 'IN') !== 'IN') return respond(query, 'REFUSED');
    const name = question.name.toLowerCase().replace(/\.$/, '');
    const isReverse = name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa');
    if (zone.contains(name)) {
      if (!isSynced()) return respond(query, 'SERVFAIL');
      return await own(query, question.name, zone.answer(name, question.type), question.type);
    }
    if (isReverse && isSynced() && question.type === 'PTR') {
      const known = zone.reverse(name);
      if (known) return await own(query, question.name, known, question.type);
    }
    const upstream = await forwarder.resolve(question, isRecursionDesired(query));
    return {
      ...respond(query, rcodeOf(upstream)),
      answers: upstream.answers ?? [],
      authorities: upstream.authorities ?? [],
      additionals: [...withoutOpt(upstream.additionals), ...edns(query)],
    };
  }

  /** `asked` keeps the letters' case as the client wrote them: some clients compare (draft-vixie-dnsext-dns0x20). */
  async function own(query: Packet, asked: string, found: ZoneAnswer, type: RecordType): Promise<Packet> {
    const answers = found.answers.map((each) =>
      each.name.toLowerCase() === asked.toLowerCase() ? { ...each, name: asked } : each,
    );
    if (found.alias !== undefined && type !== 'CNAME') answers.push(...(await follow(found.alias, type)));
    const response = respond(query, found.exists ? 'NOERROR' : 'NXDOMAIN', flags.authoritative);
    return {
      ...response,
      answers,
      authorities: answers.length === 0 ? [zone.soa()] : [],
      additionals: [...found.additionals, ...edns(query)],
    };
  }

  /** Where an ExternalName points to. Without an answer the client still has the alias, and may ask for itself. */
  async function follow(name: string, type: RecordType): Promise<Answer[]> {
    const lower = name.toLowerCase();
    if (zone.contains(lower)) return zone.answer(lower, type).answers;
    try {
      const { answers } = await forwarder.resolve({ name, type, class: 'IN' }, true);
      return answers ?? [];
    } catch (error) {
      log.debug({ name, error: messageOf(error) }, 'the target of an ExternalName was not resolved');
      return [];
    }
  }

  return async (query) => {
    try {
      return await answer(query);
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'a question was not answered');
      return respond(query, 'SERVFAIL');
    }
  };
}

/** An answer without records, to be filled in. */
export function respond(query: Packet, rcode: Rcode, more = 0): Packet {
  return {
    type: 'response',
    id: query.id ?? 0,
    flags: rcodes[rcode] | flags.recursionAvailable | ((query.flags ?? 0) & flags.recursionDesired) | more,
    questions: query.questions ?? [],
    answers: [],
    authorities: [],
    additionals: edns(query),
  };
}

/** The same answer with nothing but the sign that it did not fit: the client asks again over TCP (RFC 2181, 9). */
export function truncated(query: Packet, response: Packet): Packet {
  return {
    ...response,
    flags: (response.flags ?? 0) | flags.truncated,
    answers: [],
    authorities: [],
    additionals: edns(query),
  };
}

/** How large an answer over UDP may be: 512 bytes unless the client says more (RFC 6891). */
export function maxUdpBytes(query: Packet): number {
  const asked = optOf(query)?.udpPayloadSize ?? 512;
  return Math.min(Math.max(asked, 512), udpPayloadSize);
}

function edns(query: Packet): Answer[] {
  if (!optOf(query)) return [];
  // Everything but the size is at its default; the type demands all fields, the encoder does not.
  return [{ type: 'OPT', name: '.', udpPayloadSize, flags: 0, options: [] } as unknown as OptAnswer];
}

function optOf(packet: Packet): OptAnswer | undefined {
  return packet.additionals?.find((record): record is OptAnswer => record.type === 'OPT');
}

function withoutOpt(records: readonly Answer[] | undefined): Answer[] {
  return (records ?? []).filter(({ type }) => type !== 'OPT');
}

function isRecursionDesired(query: Packet): boolean {
  return ((query.flags ?? 0) & flags.recursionDesired) !== 0;
}

function opcode(query: Packet): string {
  return (query as { opcode?: string }).opcode ?? 'QUERY';
}

function rcodeOf(packet: Packet): Rcode {
  const { rcode = 'SERVFAIL' } = packet as { rcode?: string };
  return rcode in rcodes ? (rcode as Rcode) : 'SERVFAIL';
}
