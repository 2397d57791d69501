import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { deflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { connectSpdy } from '../../../../node-agent/server/spdy/connection.ts';
import { headerDictionary } from '../../../../node-agent/server/spdy/dictionary.ts';
import {
  encodeData,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynStream,
  type Frame,
  FrameParser,
} from '../../../../node-agent/server/spdy/frames.ts';
import { createHeaderCodec } from '../../../../node-agent/server/spdy/headers.ts';
import { listen } from '../../../support/listen.ts';
import fc from '../../../support/property.ts';

describe('SPDY frames', () => {
  const streamId = fc.integer({ min: 1, max: 0x7fffffff });
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  const encoded: fc.Arbitrary<{ wire: Buffer; frame: Frame }> = fc.oneof(
    fc.record({ streamId, fin: fc.boolean(), data: bytes }).map((frame) => ({
      wire: encodeData(frame.streamId, frame.data, frame.fin),
      frame: { type: 'data' as const, ...frame },
    })),
    fc.record({ streamId, headerBlock: bytes }).map((frame) => ({
      wire: encodeSynStream(frame.streamId, frame.headerBlock),
      frame: { type: 'synStream' as const, fin: false, ...frame },
    })),
    fc.record({ streamId, status: fc.nat(11) }).map((frame) => ({
      wire: encodeRstStream(frame.streamId, frame.status),
      frame: { type: 'rstStream' as const, ...frame },
    })),
    fc.nat().map((id) => ({ wire: encodePing(id), frame: { type: 'ping' as const, id } })),
    fc.nat().map((lastStreamId) => ({
      wire: encodeGoAway(lastStreamId, 0),
      frame: { type: 'goAway' as const, lastStreamId, status: 0 },
    })),
  );

  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(encoded, { maxLength: 8 }),
        fc.array(fc.nat(200), { maxLength: 20 }),
        (frames, cuts) => {
          const wire = Buffer.concat(frames.map((one) => one.wire));
          const parser = new FrameParser();
          const seen: Frame[] = [];
          let at = 0;
          for (const cut of cuts) {
            seen.push(...parser.push(wire.subarray(at, at + cut)));
            at += cut;
          }
          seen.push(...parser.push(wire.subarray(at)));
          expect(seen).toEqual(frames.map((one) => one.frame));
        },
      ),
    );
  });

  it('of another version, too short or too long are refused', () => {
    const parse = (wire: Buffer) => [...new FrameParser().push(wire)];
    expect(() => parse(Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0]))).toThrow('SPDY version 2');
    expect(() => parse(Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 0]))).toThrow('SPDY control frame 1 of 0 bytes');
    expect(() => parse(Buffer.from([0, 0, 0, 1, 0, 0xff, 0xff, 0xff]))).toThrow(
      'SPDY frame of 16777215 bytes',
    );
  });
});

describe('SPDY headers', () => {
  it('use the dictionary of the protocol', () => {
    // The checksum that stands in every first header block of SPDY/3.
    expect(deflateSync('', { dictionary: headerDictionary }).readUInt32BE(2)).toBe(0xe3c6a7c2);
  });

  it('are one compressed stream in each direction', async () => {
    const [here, there] = [createHeaderCodec(), createHeaderCodec()];
    const headers = { streamType: 'data', port: '80', requestID: '1' };
    const first = await here.encode(headers);
    const second = await here.encode(headers);
    expect(second.length).toBeLessThan(first.length);
    const expected = { streamtype: 'data', port: '80', requestid: '1' };
    expect(Object.fromEntries(await there.decode(first))).toEqual(expected);
    expect(Object.fromEntries(await there.decode(second))).toEqual(expected);
    await expect(there.decode(Buffer.from('not deflated'))).rejects.toThrow();
    here.close();
    there.close();
  });

  it('that unpack to too much are refused', async () => {
    const [here, there] = [createHeaderCodec(), createHeaderCodec()];
    const bomb = await here.encode({ a: 'x'.repeat(60 << 10) });
    await there.decode(bomb);
    const another = createHeaderCodec();
    const large = deflateSync(Buffer.alloc(1 << 20), { dictionary: headerDictionary });
    await expect(another.decode(large)).rejects.toThrow('SPDY header block of more than 65536 bytes');
    for (const codec of [here, there, another]) codec.close();
  });
});

describe('a SPDY connection', () => {
  const open: { destroy(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.destroy();
  });

  /** A peer that is written by hand: what it gets, and a socket to answer on. */
  async function pair() {
    const server = createServer();
    const client = connect(await listen(server), '127.0.0.1');
    const [peer] = (await once(server, 'connection')) as [Socket];
    server.close();
    open.push(client, peer);
    const parser = new FrameParser();
    const frames: Frame[] = [];
    peer.on('data', (chunk: Buffer) => frames.push(...parser.push(chunk)));
    const next = async (type: Frame['type']) => {
      for (;;) {
        const at = frames.findIndex((frame) => frame.type === type);
        if (at >= 0) return frames.splice(at, 1)[0];
        await once(peer, 'data');
      }
    };
    const codec = createHeaderCodec();
    const reply = async (id: number) => {
      const block = await codec.encode({});
      const frame = encodeSynStream(id, block);
      // SYN_REPLY: the same without the six bytes of association and priority.
      const body = Buffer.concat([frame.subarray(8, 12), block]);
      const head = Buffer.from(frame.subarray(0, 8));
      head.writeUInt16BE(2, 2);
      head.writeUIntBE(body.length, 5, 3);
      peer.write(Buffer.concat([head, body]));
    };
    return { connection: connectSpdy(client, Buffer.alloc(0)), peer, next, reply };
  }

  it('half-closes each way by itself', async () => {
    const { connection, peer, next, reply } = await pair();
    const opening = connection.open({ streamType: 'stdin' });
    await next('synStream');
    await reply(1);
    const stream = await opening;
    await stream.write(Buffer.from('in'));
    stream.end();
    expect(await next('data')).toMatchObject({ fin: false, data: Buffer.from('in') });
    expect(await next('data')).toMatchObject({ fin: true });
    peer.write(encodeData(1, Buffer.from('out'), false));
    peer.write(encodeData(1, Buffer.from('!'), true));
    expect(await textOf(stream.incoming)).toBe('out!');
  });

  it('answers pings, refuses streams of the other end, and takes a reset for the end', async () => {
    const { connection, peer, next, reply } = await pair();
    peer.write(encodePing(2));
    expect(await next('ping')).toMatchObject({ id: 2 });
    const opening = connection.open({ streamType: 'data' });
    await next('synStream');
    await reply(1);
    const stream = await opening;
    peer.write(Buffer.concat([encodeData(1, Buffer.from('last'), false), encodeRstStream(1, 5)]));
    expect(await textOf(stream.incoming)).toBe('last');
    await expect(stream.write(Buffer.from('x'))).rejects.toThrow();
    const refused = connection.open({ streamType: 'data' });
    await next('synStream');
    peer.write(encodeRstStream(3, 3));
    await expect(refused).rejects.toThrow('the stream was reset (status 3)');
  });

  it('fails what is open when it breaks', async () => {
    const { connection, peer, next, reply } = await pair();
    const opening = connection.open({ streamType: 'stdout' });
    await next('synStream');
    await reply(1);
    const stream = await opening;
    peer.destroy();
    await expect(textOf(stream.incoming)).rejects.toThrow();
    await expect(connection.open({})).rejects.toThrow();
  });
});

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk.toString();
  return text;
}
