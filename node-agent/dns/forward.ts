/** Asks the upstream name servers for what is not of the cluster, and keeps their answers for a while. */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { decode, encode, type Packet, streamDecode, streamEncode } from 'dns-packet';
import type { Clock } from '../../lib/clock.ts';
import { KumulusError, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

export interface ForwarderOptions {
  /** Addresses, in the order in which they are asked. */
  upstreams: readonly string[];
  upstreamPort?: number;
  clock: Clock;
  random: () => number;
  log: Logger;
}

export interface Forwarder {
  /**
   * The upstreams' answer to a question; throws `Timeout` when none answered, `TooManyRequests` when too many questions wait.
   * Over TCP when the answer over UDP was cut short.
   */
  resolve(
    question: { name: string; type: string; class?: string },
    recursionDesired: boolean,
  ): Promise<Packet>;
}

const attemptTimeoutMs = 2_000;
const rounds = 2;
/** Beyond this, questions are refused: upstreams that do not answer must not fill the memory. */
const maxWaiting = 1_000;
const maxCached = 10_000;
const maxTtlSeconds = 30;

interface Cached {
  packet: Packet;
  storedAtMs: number;
  expiresAtMs: number;
}

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { upstreams, clock, log } = options;
  const port = options.upstreamPort ?? 53;
  const cache = new Map<string, Cached>();
  const underWay = new Map<string, Promise<Packet>>();

  async function ask(
    question: Parameters<Forwarder['resolve']>[0],
    recursionDesired: boolean,
  ): Promise<Packet> {
    if (upstreams.length === 0)
      throw new KumulusError('ServiceUnavailable', 'there is no upstream name server');
    const query: Packet = {
      type: 'query',
      id: Math.floor(options.random() * 0x1_0000),
      flags: recursionDesired ? 0x100 : 0,
      questions: [question as never],
      additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [] } as never],
    };
    let last: unknown;
    for (let round = 0; round < rounds; round++) {
      for (const upstream of upstreams) {
        try {
          const answer = await askOverUdp(upstream, port, query);
          return answer.flag_tc ? await askOverTcp(upstream, port, query) : answer;
        } catch (error) {
          last = error;
          log.debug({ upstream, error: messageOf(error) }, 'a name server did not answer');
        }
      }
    }
    throw new KumulusError('Timeout', `no name server answered: ${messageOf(last)}`, { cause: last });
  }

  function remember(key: string, packet: Packet): void {
    const ttlSeconds = Math.min(maxTtlSeconds, cacheableSeconds(packet));
    if (ttlSeconds <= 0) return;
    if (cache.size >= maxCached) {
      const [oldest] = cache.keys();
      if (oldest !== undefined) cache.delete(oldest);
    }
    const now = clock.now();
    cache.set(key, { packet, storedAtMs: now, expiresAtMs: now + ttlSeconds * 1000 });
  }

  return {
    async resolve(question, recursionDesired) {
      const key = `${question.type} ${question.class ?? 'IN'} ${question.name.toLowerCase()}`;
      const cached = cache.get(key);
      if (cached && cached.expiresAtMs > clock.now()) return aged(cached, clock.now());
      cache.delete(key);
      const running = underWay.get(key);
      if (running) return await running;
      if (underWay.size >= maxWaiting) {
        throw new KumulusError(
          'TooManyRequests',
          `${maxWaiting} questions wait for the upstream name servers`,
        );
      }
      const answer = ask(question, recursionDesired);
      underWay.set(key, answer);
      try {
        const packet = await answer;
        remember(key, packet);
        return packet;
      } finally {
        underWay.delete(key);
      }
    },
  };
}

/** Answers and negative answers (by their SOA, RFC 2308) may be kept; failures may not. */
function cacheableSeconds(packet: Packet): number {
  const { rcode } = packet as { rcode?: string };
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return 0;
  const records = [...(packet.answers ?? []), ...(packet.authorities ?? [])];
  const ttls = records.map((record) => ('ttl' in record ? (record.ttl ?? 0) : 0));
  return ttls.length > 0 ? Math.min(...ttls) : 0;
}

function aged({ packet, storedAtMs }: Cached, now: number): Packet {
  const seconds = Math.floor((now - storedAtMs) / 1000);
  const age = <T extends object>(record: T): T =>
    'ttl' in record && typeof record.ttl === 'number'
      ? { ...record, ttl: Math.max(0, record.ttl - seconds) }
      : record;
  return { ...packet, answers: packet.answers?.map(age), authorities: packet.authorities?.map(age) };
}

/** A new socket, and so a new source port, for each question: guessing both port and id is hard (RFC 5452). */
function askOverUdp(upstream: string, port: number, query: Packet): Promise<Packet & { flag_tc?: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(upstream) ? 'udp6' : 'udp4');
    const timer = setTimeout(
      () => finish(new Error(`${upstream}: no answer within ${attemptTimeoutMs} ms`)),
      attemptTimeoutMs,
    );
    const finish = (result: Error | Packet) => {
      clearTimeout(timer);
      socket.close();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    socket.on('error', finish);
    socket.on('message', (message) => {
      const answer = decodeOrUndefined(message);
      if (answer && isAnswerTo(answer, query)) finish(answer);
    });
    // Connected, so that only the upstream's own packets arrive and an ICMP refusal is an error at once.
    socket.connect(port, upstream, () => socket.send(encode(query)));
  });
}

function askOverTcp(upstream: string, port: number, query: Packet): Promise<Packet> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: upstream, port, timeout: attemptTimeoutMs });
    const chunks: Buffer[] = [];
    socket.on('connect', () => socket.write(streamEncode(query)));
    socket.on('timeout', () =>
      socket.destroy(new Error(`${upstream}: no answer within ${attemptTimeoutMs} ms`)),
    );
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${upstream}: closed without an answer`)));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const received = Buffer.concat(chunks);
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) return;
      const answer = streamDecode(received);
      if (answer && isAnswerTo(answer, query)) resolve(answer);
      socket.destroy();
    });
  });
}

function decodeOrUndefined(message: Buffer): (Packet & { flag_tc?: boolean }) | undefined {
  try {
    return decode(message);
  } catch {
    // Not DNS: whatever it is, it is not the answer that is waited for.
    return undefined;
  }
}

function isAnswerTo(answer: Packet, query: Packet): boolean {
  const [asked] = query.questions ?? [];
  const [echoed] = answer.questions ?? [];
  return (
    answer.type === 'response' &&
    answer.id === query.id &&
    echoed?.name.toLowerCase() === asked?.name.toLowerCase() &&
    echoed?.type === asked?.type
  );
}
