import { describe, expect, it } from 'vitest';
import type { EndpointSlice, Service, ServiceSpec } from '../../../../lib/api/gen/types.ts';
import { categorize } from '../../../../node-agent/proxy/endpoints.ts';
import { diff, fullUpdate, type NftCommand } from '../../../../node-agent/proxy/nft/diff.ts';
import { renderScript } from '../../../../node-agent/proxy/nft/render.ts';
import type { Ruleset } from '../../../../node-agent/proxy/nft/ruleset.ts';
import { rulesFor, type RulesOptions, type ServiceState } from '../../../../node-agent/proxy/ruleset.ts';
import type { ProxyEndpoint, ServicePort } from '../../../../node-agent/proxy/types.ts';
import fc from '../../../support/property.ts';

const options: RulesOptions = {
  family: 'ip',
  node: { nodeName: 'n1', zone: 'z1', nodeIps: ['192.0.2.1'], podCidrs: ['10.244.0.0/16'] },
  ownServiceIps: ['10.96.0.10'],
  serviceCidrs: [],
};

function service(spec: Partial<ServiceSpec> = {}, name = 'web'): Service {
  return {
    metadata: { namespace: 'default', name },
    spec: { clusterIP: '10.96.0.50', ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
  };
}

function slice(ips: string[], nodeName = 'n1', conditions = {}): EndpointSlice {
  return {
    metadata: { namespace: 'default', name: 'web-x' },
    addressType: 'IPv4',
    endpoints: ips.map((ip) => ({ addresses: [ip], nodeName, conditions })),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}

/** What the kernel does with a transaction: every reference must exist, nothing may be deleted that is used. */
function apply(start: Ruleset, commands: readonly NftCommand[]): Ruleset {
  const chains = new Map(
    [...start.chains].map(([name, chain]) => [name, { hook: chain.hook, rules: [...chain.rules] }]),
  );
  const sets = new Map(
    [...start.sets].map(([name, set]) => [name, { ...set, elements: set.elements && new Map(set.elements) }]),
  );
  const must = <T>(value: T | undefined, what: string): T => {
    if (value === undefined) throw new Error(`no such ${what}`);
    return value;
  };
  const checkTarget = (text: string) => {
    for (const [, target = ''] of text.matchAll(/(?:goto|jump) ([^ ,]+)/g))
      must(chains.get(target), `chain ${target}`);
    for (const [, set = ''] of text.matchAll(/@([^ ,]+)/g)) must(sets.get(set), `set ${set}`);
  };
  for (const command of commands) {
    switch (command.do) {
      case 'addChain':
        if (!chains.has(command.name)) chains.set(command.name, { hook: command.hook, rules: [] });
        break;
      case 'flushChain':
        must(chains.get(command.name), `chain ${command.name}`).rules = [];
        break;
      case 'addRule':
        checkTarget(command.rule);
        must(chains.get(command.chain), 'chain').rules.push(command.rule);
        break;
      case 'addSet':
        if (!sets.has(command.name))
          sets.set(command.name, { ...command.set, elements: command.set.elements && new Map() });
        break;
      case 'flushSet':
        must(sets.get(command.name)?.elements, 'set').clear();
        break;
      case 'deleteSet':
        for (const chain of chains.values())
          for (const rule of chain.rules)
            if (rule.includes(`@${command.name} `)) throw new Error(`set ${command.name} is in use`);
        must(sets.get(command.name), 'set');
        sets.delete(command.name);
        break;
      case 'addElements':
        for (const [key, value] of command.elements) {
          checkTarget(value);
          const elements = must(sets.get(command.set)?.elements, 'set');
          if (elements.has(key)) throw new Error(`element ${key} exists`);
          elements.set(key, value);
        }
        break;
      case 'deleteElements':
        for (const key of command.keys)
          if (!sets.get(command.set)?.elements?.delete(key)) throw new Error(`no element ${key}`);
        break;
      case 'deleteChain':
        throw new Error('not part of an update');
    }
  }
  return { chains, sets };
}

function comparable(ruleset: Ruleset, without: readonly string[] = []) {
  const chains = [...ruleset.chains].filter(([name]) => !without.includes(name));
  return {
    chains: Object.fromEntries(chains.map(([name, chain]) => [name, chain.rules])),
    sets: Object.fromEntries(
      [...ruleset.sets].map(([name, set]) => [name, set.elements && Object.fromEntries(set.elements)]),
    ),
  };
}

const arbitraryState: fc.Arbitrary<ServiceState[]> = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      ips: fc.uniqueArray(fc.constantFrom('10.244.0.1', '10.244.0.2', '10.244.1.1'), { maxLength: 3 }),
      node: fc.constantFrom('n1', 'n2'),
      ready: fc.boolean(),
      terminating: fc.boolean(),
      affinity: fc.constantFrom(undefined, 60, 600),
      local: fc.constantFrom('Cluster', 'Local'),
      internal: fc.constantFrom('Cluster', 'Local'),
      nodePort: fc.constantFrom(0, 30001, 30002),
      externalIPs: fc.constantFrom<string[][]>([], ['203.0.113.9']),
      ranges: fc.constantFrom<string[][]>([], ['192.0.2.0/24', '192.0.0.0/16']),
    }),
    { selector: (item) => item.name, maxLength: 4 },
  )
  .map((items) =>
    items.map((item) => ({
      service: {
        ...service(
          {
            type: 'LoadBalancer',
            clusterIP: `10.96.0.${item.name.charCodeAt(0)}`,
            ports: [
              { name: 'http', port: 80, protocol: 'TCP', ...(item.nodePort && { nodePort: item.nodePort }) },
            ],
            externalTrafficPolicy: item.local,
            internalTrafficPolicy: item.internal,
            externalIPs: item.externalIPs,
            loadBalancerSourceRanges: item.ranges,
            ...(item.affinity && {
              sessionAffinity: 'ClientIP',
              sessionAffinityConfig: { clientIP: { timeoutSeconds: item.affinity } },
            }),
          },
          item.name,
        ),
        status: { loadBalancer: { ingress: [{ ip: '203.0.113.10' }] } },
      },
      slices: [slice(item.ips, item.node, { ready: item.ready, terminating: item.terminating })],
    })),
  );

describe('the table of rules', () => {
  it('becomes the wanted one by the difference alone, whatever it was', () => {
    fc.assert(
      fc.property(arbitraryState, arbitraryState, (before, after) => {
        const from = rulesFor(before, options);
        const to = rulesFor(after, options);
        const { commands, staleChains } = diff(from, to);
        expect(comparable(apply(from, commands), staleChains)).toEqual(comparable(to));
        expect(diff(to, rulesFor(after, options)).commands).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('becomes the wanted one by a full update over leftovers', () => {
    fc.assert(
      fc.property(arbitraryState, arbitraryState, (before, after) => {
        const from = rulesFor(before, options);
        const to = rulesFor(after, options);
        const observed = {
          chains: [...from.chains.keys()],
          sets: [...from.sets].filter(([, set]) => set.kind === 'set').map(([name]) => name),
        };
        const { commands, staleChains } = fullUpdate(observed, to);
        expect(comparable(apply(from, commands), staleChains)).toEqual(comparable(to));
        const fresh = apply(
          { chains: new Map(), sets: new Map() },
          fullUpdate({ chains: [], sets: [] }, to).commands,
        );
        expect(comparable(fresh)).toEqual(comparable(to));
      }),
      { numRuns: 200 },
    );
  });

  it('changes only the chains of the Service that changed', () => {
    const states = (ips: string[]) => [
      { service: service({ clusterIP: '10.96.0.1' }, 'other'), slices: [slice(['10.244.0.9'])] },
      { service: service(), slices: [slice(ips)] },
    ];
    const { commands } = diff(
      rulesFor(states(['10.244.0.1']), options),
      rulesFor(states(['10.244.0.1', '10.244.0.2']), options),
    );
    const script = renderScript({ family: 'ip', name: 'kumulus' }, commands);
    expect(script).not.toContain('other');
    expect(commands.map((command) => command.do)).toEqual([
      'flushChain',
      'addChain',
      'addRule',
      'addRule',
      'addRule',
      'addRule',
      'addRule',
    ]);
  });

  it('makes no rules for headless, ExternalName and foreign Services, nor for addresses of its own', () => {
    const none = rulesFor([], options);
    for (const spec of [
      { clusterIP: 'None' },
      { type: 'ExternalName', externalName: 'example.com' },
      { clusterIP: '10.96.0.10' },
    ]) {
      expect(
        diff(none, rulesFor([{ service: service(spec), slices: [slice(['10.244.0.1'])] }], options)).commands,
      ).toEqual([]);
    }
    const foreign = service();
    foreign.metadata.labels = { 'service.kubernetes.io/service-proxy-name': 'mesh' };
    expect(diff(none, rulesFor([{ service: foreign, slices: [] }], options)).commands).toEqual([]);
  });

  it('takes nothing into the script that is not an address or a name', () => {
    const bad = service({ externalIPs: ['1.2.3.4 ; flush ruleset'], clusterIP: '10.96.0.50' });
    const script = renderScript(
      { family: 'ip', name: 'kumulus' },
      fullUpdate(
        { chains: [], sets: [] },
        rulesFor([{ service: bad, slices: [slice(['x', '10.244.0.1'])] }], options),
      ).commands,
    );
    expect(script).not.toContain('flush ruleset');
    expect(rulesFor([{ service: service({}, 'a b'), slices: [] }], options)).toEqual(rulesFor([], options));
  });
});

describe('the choice of endpoints', () => {
  const port: ServicePort = {
    namespace: 'default',
    name: 'web',
    portName: '',
    protocol: 'tcp',
    clusterIp: '10.96.0.50',
    port: 80,
    nodePort: 30080,
    externalIps: [],
    loadBalancerIps: [],
    sourceRanges: [],
    affinityTimeoutSeconds: undefined,
    internalPolicyLocal: false,
    externalPolicyLocal: false,
  };
  const endpoint = (ip: string, more: Partial<ProxyEndpoint> = {}): ProxyEndpoint => ({
    ip,
    port: 80,
    ready: true,
    serving: true,
    terminating: false,
    isLocal: false,
    forZones: [],
    forNodes: [],
    ...more,
  });
  const draining = { ready: false, terminating: true };
  const ips = (endpoints: ProxyEndpoint[]) => endpoints.map(({ ip }) => ip);

  it('uses endpoints that terminate only where none is ready, for each policy by itself', () => {
    const endpoints = [endpoint('remote'), endpoint('local', { ...draining, isLocal: true })];
    const local = categorize({ ...port, externalPolicyLocal: true }, endpoints, options.node);
    expect(ips(local.cluster)).toEqual(['remote']);
    expect(ips(local.local)).toEqual(['local']);
    expect(ips(local.reachable)).toEqual(['remote', 'local']);
    expect(categorize(port, [endpoint('x', { ready: false, serving: false })], options.node).any).toBe(false);
  });

  it('follows hints only where every ready endpoint has them and one is meant', () => {
    const here = endpoint('here', { forZones: ['z1'] });
    const there = endpoint('there', { forZones: ['z2'] });
    expect(ips(categorize(port, [here, there], options.node).cluster)).toEqual(['here']);
    expect(ips(categorize(port, [there], options.node).cluster)).toEqual(['there']);
    expect(ips(categorize(port, [here, endpoint('any')], options.node).cluster)).toEqual(['here', 'any']);
    const node = endpoint('node', { forNodes: ['n1'], forZones: ['z1'] });
    const peer = endpoint('peer', { forNodes: ['n2'], forZones: ['z1'] });
    expect(ips(categorize(port, [node, peer], options.node).cluster)).toEqual(['node']);
  });
});
