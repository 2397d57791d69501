import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../node-agent/config.ts';

const valid = {
  nodeName: 'node-1',
  server: 'https://10.0.0.1:6443',
  certificateAuthority: '/pki/ca.crt',
  clientCertificate: '/pki/node.crt',
  clientKey: '/pki/node.key',
  servingCertificate: '/pki/serving.crt',
  servingKey: '/pki/serving.key',
  runtimeEndpoint: 'unix:///run/containerd.sock',
  stateDir: '/var/lib/kumulus',
  listenAddress: '10.0.0.2',
  listenPort: 10250,
  nodeIp: '10.0.0.2',
  clusterDns: ['10.96.0.10'],
  clusterDomain: 'cluster.local',
  cniConfDir: '/etc/cni/net.d',
  cgroupRoot: '/kumulus-a',
  logLevel: 'info',
  parentLifeline: false,
};

describe("the agent's configuration", () => {
  it('is taken as it is when it is right', () => {
    expect(parseConfig(valid)).toEqual(valid);
  });

  it.each([
    [{ nodeName: 'Node_1' }, 'nodeName: Invalid value: "Node_1": must consist of lower case'],
    [{ server: 'http://x' }, 'server: Invalid value: "http://x": must begin with https://'],
    [{ listenPort: 0 }, 'listenPort: Invalid value: 0: must be a whole number between 1 and 65535'],
    [{ clusterDns: ['x'] }, 'clusterDns: Invalid value: ["x"]: must be an IP address'],
    [{ stateDir: undefined }, 'stateDir: Required value: must be an absolute path'],
    [{ logLevel: 'loud' }, 'logLevel: Invalid value: "loud": must be one of trace, debug'],
    [{ clusterCidrs: ['10.0.0.0'] }, 'clusterCidrs: Invalid value: ["10.0.0.0"]: must be an address range'],
    [{ colour: 'blue' }, 'colour: Forbidden: unknown field'],
  ])('%j is refused by field and value', (change, message) => {
    expect(() => parseConfig({ ...valid, ...change })).toThrow(message);
  });

  const { clientCertificate, clientKey, servingCertificate, servingKey, ...joined } = valid;
  const files = { clientCertificate, clientKey, servingCertificate, servingKey };

  it('needs no files of certificates that the agent asks for', () => {
    const config = { ...joined, rotateCertificates: true, serverTLSBootstrap: true };
    expect(parseConfig(config)).toEqual(config);
  });

  it.each([
    [joined, 'clientCertificate: Required value: or iam'],
    [{ ...joined, rotateCertificates: true }, 'servingCertificate: Required value: or serverTLSBootstrap'],
    [
      { ...joined, ...files, rotateCertificates: true },
      'clientCertificate: Forbidden: may not be given together with rotateCertificates',
    ],
    [
      { ...joined, ...files, serverTLSBootstrap: true },
      'servingCertificate: Forbidden: may not be given together with serverTLSBootstrap',
    ],
  ])('%# says where a certificate comes from, once', (config, message) => {
    expect(() => parseConfig(config)).toThrow(message);
  });

  it('names everything that is wrong at once', () => {
    expect(() => parseConfig({})).toThrow(/nodeName: Required[\s\S]*parentLifeline: Required/);
    expect(() => parseConfig([])).toThrow('config: Invalid value: []: must be an object');
  });
});
