/** Certificates that are replaced while a server runs: who connects from then on sees the new one. */
import { createServer, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveHttps } from '../../../functions/apiserver/hosts/https.ts';
import { createNodeConnection } from '../../../functions/apiserver/registry/node-connection.ts';
import { nodeTlsOf } from '../../../functions/apiserver/registry/proxy/tunnel.ts';
import { type CertifiedKey, createCa, issueCertificate } from '../../../lib/certificates/index.ts';
import { silentLogger } from '../../../lib/log.ts';
import { listen } from '../../support/listen.ts';

let ca: CertifiedKey;
const now = Date.now();
const host = '127.0.0.1';
const issue = (usage: 'client' | 'server', commonName: string = usage) =>
  issueCertificate(ca, {
    subject: { commonName },
    usages: [usage],
    ipAddresses: [host],
    validityDays: 1,
    now,
  });
const serialOf = ({ certificate }: CertifiedKey) => new X509Certificate(certificate).serialNumber;
beforeAll(async () => {
  ca = await createCa({ commonName: 'ca', validityDays: 1, now });
});

const opened: { close: () => unknown }[] = [];
afterAll(async () => {
  for (const one of opened) await one.close();
});

test('an API server shows its next certificate, in HTTP/1.1 and HTTP/2, and asks for those of clients as before', async () => {
  const [first, next, client] = [await issue('server'), await issue('server'), await issue('client')];
  const server = await serveHttps({
    handle: () => Promise.resolve({ status: 204, headers: {}, body: undefined }),
    tls: { cert: first.certificate, key: first.key, clientCa: ca.certificate },
    nodeTls: nodeTlsOf(ca.certificate, client),
    host,
    port: 0,
    log: silentLogger,
  });
  opened.push(server);
  const look = (protocol: string) =>
    new Promise<[string, string | false | null]>((resolve, reject) => {
      const socket: TLSSocket = connect(
        { host, port: server.port, ca: ca.certificate, ALPNProtocols: [protocol] },
        () => {
          resolve([socket.getPeerCertificate().serialNumber, socket.alpnProtocol]);
          socket.destroy();
        },
      );
      socket.once('error', reject);
    });
  for (const protocol of ['http/1.1', 'h2'])
    expect(await look(protocol)).toEqual([serialOf(first), protocol]);
  server.useCertificate(next);
  for (const protocol of ['http/1.1', 'h2']) expect(await look(protocol)).toEqual([serialOf(next), protocol]);
  const status = await new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host, port: server.port, ca: ca.certificate, cert: client.certificate, key: client.key },
        agent: false,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    outgoing.once('error', reject).end();
  });
  expect(status).toBe(204);
});

test("nodes are shown the API server's next certificate on their next connection", async () => {
  const own = await issue('server');
  const node = createServer(
    { cert: own.certificate, key: own.key, ca: ca.certificate, requestCert: true },
    (incoming, response) => response.end((incoming.socket as TLSSocket).getPeerCertificate().serialNumber),
  );
  const url = `https://${host}:${await listen(node, host)}/`;
  opened.push({ close: () => node.close() });
  const client = await issue('client', 'kube-apiserver-kubelet-client');
  const first = serialOf(client);
  const nodes = createNodeConnection(nodeTlsOf(ca.certificate, client));
  opened.push(nodes);
  const shown = async () => {
    const { body } = await nodes.get(url, AbortSignal.timeout(60_000));
    const proxied = await nodes.send({
      method: 'GET',
      url: new URL(url),
      headers: {},
      body: undefined,
      signal: AbortSignal.timeout(60_000),
    });
    return [await text(body), await text(proxied.body)];
  };
  expect(await shown()).toEqual([first, first]);
  Object.assign(client, await issue('client', 'kube-apiserver-kubelet-client'));
  const next = serialOf(client);
  expect(await shown()).toEqual([next, next]);
});
