import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createNodeConnection,
  type NodeConnection,
} from '../../../functions/apiserver/registry/node-connection.ts';
import { createCa, issueCertificate } from '../../../lib/certificates/index.ts';
import { listen } from '../../support/listen.ts';

let node: Server;
let nodes: NodeConnection;
let url: string;
/** Requests of each connection. */
let asked: Map<Socket, number>;
/** How many requests a connection lives to answer. */
let lifetime: number;

beforeEach(async () => {
  const now = Date.now();
  const ca = await createCa({ commonName: 'ca', validityDays: 1, now });
  const { certificate: cert, key } = await issueCertificate(ca, {
    subject: { commonName: 'node' },
    usages: ['server', 'client'],
    ipAddresses: ['127.0.0.1'],
    validityDays: 1,
    now,
  });
  asked = new Map();
  lifetime = 1;
  node = createServer({ cert, key }, ({ socket }, response) => {
    const count = (asked.get(socket) ?? 0) + 1;
    asked.set(socket, count);
    if (count > lifetime) socket.destroy();
    else response.end('here');
  });
  url = `https://127.0.0.1:${await listen(node)}/pods`;
  nodes = createNodeConnection({ ca: ca.certificate, cert, key });
});
afterEach(() => {
  nodes.close();
  node.closeAllConnections();
  node.close();
});

const ask = async () => {
  const { body } = await nodes.get(url, AbortSignal.timeout(60_000));
  return await text(body);
};

test('a connection that a node has closed while it was idle is none: the request goes by another', async () => {
  for (let count = 0; count < 4; count++) expect(await ask()).toBe('here');
  expect([...asked.values()]).toContain(2);
});

test('a node that closes each connection is asked no more than that', async () => {
  lifetime = 0;
  await expect(ask()).rejects.toThrow(/Get "https:.*\/pods": EOF/);
  expect([...asked.values()]).toEqual([1]);
});
