import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeStatus } from '../lib/api/gen/types.ts';
import type { CertifiedKey } from '../lib/certificates/index.ts';
import { createEventRecorder } from '../lib/client/event-recorder.ts';
import { createHttpsTransport } from '../lib/client/https.ts';
import { createInformers } from '../lib/client/informers.ts';
import { createKubeClient } from '../lib/client/kube-client.ts';
import { endpointSlices, nodes, pods, services } from '../lib/client/resources.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { runCommand } from '../lib/process/run.ts';
import { apiClaims, apiPodWriter, apiReferences, apiTokens } from './api-pods.ts';
import { connectApiServer } from './api-server.ts';
import { createTokenReviewer } from './authenticate.ts';
import { createAuthorizer } from './authorize.ts';
import { trustedByPods } from './api-proxy/authority.ts';
import { hearOfChanges } from './changes.ts';
import { openCgroups } from './cgroups/hierarchy.ts';
import { createPodCgroups } from './cgroups/pod-cgroups.ts';
import type { AgentConfig } from './config.ts';
import { connectRuntime } from './cri/client.ts';
import { serviceIndexers, sliceIndexers, startDns } from './dns/index.ts';
import {
  type CertificateFile,
  clientCertificateFile,
  clientCertificateOf,
  keepCertificate,
  servingCertificateFile,
  servingCertificateOf,
} from './identity/index.ts';
import { createStreamGateway } from './gateway/index.ts';
import { nodeConditions } from './node/conditions.ts';
import { collectImages } from './node/image-gc.ts';
import { nodeImages } from './node/images.ts';
import { keepLease } from './node/lease.ts';
import {
  allocatableMemoryBytes,
  allocatableOf,
  capacityOf,
  readMachine,
  readNodeInfo,
} from './node/machine.ts';
import { createNodeEvents } from './node/node-events.ts';
import { createNodeReporter } from './node/node-status.ts';
import { keepPodNetwork } from './node/pod-network.ts';
import { readPressure } from './node/pressure.ts';
import { defaultLabels, registerNode } from './node/register.ts';
import { watchRuntimeHealth } from './node/runtime-health.ts';
import { probeUserAgent } from './node/version.ts';
import { proxyIdentityOf, serveAws } from './on-aws.ts';
import { createBackoff } from './pods/backoff.ts';
import { readResolvConf } from './pods/dns.ts';
import { createHookRunner } from './pods/hooks.ts';
import { createImageManager } from './pods/image-manager.ts';
import { nodePaths } from './pods/paths.ts';
import { createPodAgent } from './pods/pod-agent.ts';
import { createPodLookup } from './pods/pod-lookup.ts';
import { createPodCertificates } from './pod-certificates/index.ts';
import type { PodEvents } from './pods/sources.ts';
import { startServiceProxy } from './proxy/index.ts';
import { rememberReferences } from './remembered-references.ts';
import { imageFilesystem, listedImages, waitForRuntime } from './runtime.ts';
import { startAgentServer } from './server/index.ts';
import { createClaimVolumes } from './volumes/claim.ts';
import { createLocalDirectories } from './volumes/local-directories.ts';
import { createPodVolumes } from './volumes/manager.ts';

const defaultMaxPods = 110;
const firstListWithinMs = 10_000;
const authorizationTimeoutMs = 10_000;
/**
 * On AWS each renewal is paid for. Twice this and a try more are within the 50 s for which the node lifecycle waits, and a
 * renewal that fails is tried again at once.
 */
const paidLeaseRenewMs = 20_000;

export interface AgentEnvironment {
  clock: Clock;
  random: () => number;
  log: Logger;
  signal: AbortSignal;
}

/** Runs a node until the signal aborts. Everything is built here, from the runtime up to what serves others. */
export async function runAgent(config: AgentConfig, environment: AgentEnvironment): Promise<void> {
  const { clock, random, log, signal } = environment;
  const { nodeName, nodeIp } = config;
  await mkdir(config.stateDir, { recursive: true, mode: 0o700 });

  const runtime = connectRuntime(config.runtimeEndpoint);
  const version = await waitForRuntime(runtime, environment);
  const runtimeName = version.runtimeName;

  const kept = config.rotateCertificates ? clientCertificateFile(config.stateDir) : undefined;
  const https = await connectApiServer(config, clock, kept);
  const client = createKubeClient(https.transport, {
    clock,
    random,
    signal,
    userAgent: 'kumulus-node-agent',
  });
  const changes = await hearOfChanges(config, client, environment);
  const recorder = createEventRecorder(client, { component: 'kubelet', host: nodeName, clock, log });
  const events: PodEvents = {
    // Items of a list do not say what they are.
    event: (pod, ...rest) => recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, ...rest),
  };

  // The node, as it is and as the API has it.
  const maxPods = config.maxPods ?? defaultMaxPods;
  const machine = await readMachine(config.stateDir);
  const allocatable = allocatableOf(machine, maxPods);
  const nodeInfo = await readNodeInfo(version);
  const imageDir = await imageFilesystem(runtime, log);
  let changed = () => {};
  const health = watchRuntimeHealth(runtime, {
    clock,
    lastRelistMs: () => agent.lifecycle.lastRelistMs(),
    changed: () => changed(),
  });
  const buildStatus = async (previous: NodeStatus): Promise<NodeStatus> => ({
    capacity: capacityOf(machine, maxPods),
    allocatable,
    conditions: nodeConditions(
      await readPressure(config.stateDir, imageDir),
      health.problems(),
      previous.conditions ?? [],
      clock.now(),
    ),
    addresses: [
      { type: 'InternalIP', address: nodeIp },
      { type: 'Hostname', address: nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: config.listenPort } },
    nodeInfo,
    images: nodeImages(await listedImages(runtime, log)),
  });

  // The pods.
  const informers = createInformers(client, { clock, log, random, notices: changes.notices });
  const podInformer = informers.informer(pods, { fieldSelector: `spec.nodeName=${nodeName}` });
  const nodeInformer = informers.informer(nodes, { fieldSelector: `metadata.name=${nodeName}` });
  const serviceInformer = informers.informer(services, { indexers: serviceIndexers });
  const sliceInformer = informers.informer(endpointSlices, { indexers: sliceIndexers });
  const paths = nodePaths(config.stateDir);
  const tree = await openCgroups(clock);
  const cgroups = await createPodCgroups(tree, config.cgroupRoot, {
    cpuMilli: machine.cpuCount * 1000,
    memoryBytes: allocatableMemoryBytes(machine),
  });
  const authority = config.certificateAuthority ? await readFile(config.certificateAuthority) : undefined;
  const clientCa = await readFile(config.clientAuthority ?? config.certificateAuthority ?? '');
  const proxied = config.apiProxy ? await proxyIdentityOf(config, config.apiProxy, clock) : undefined;
  const read = apiReferences(client, serviceInformer);
  const remembered = changes.notices ? rememberReferences(read, changes.notices, clock) : read;
  const references = proxied ? trustedByPods(remembered, proxied.ca) : remembered;
  const certificates = createPodCertificates({
    client,
    node: () => {
      const uid = nodeInformer.get(nodeName)?.metadata.uid;
      return uid === undefined ? undefined : { name: nodeName, uid };
    },
    events,
    changed: (uid) => agent.poke(uid),
    ...{ clock, random, log, signal },
  });
  const agent = createPodAgent({
    runtime,
    runtimeName,
    owner: nodeName,
    paths,
    node: {
      nodeName,
      hostIps: [nodeIp],
      allocatable,
      memoryBytes: machine.memoryBytes,
      cgroupVersion: tree.version,
    },
    dns: {
      servers: config.clusterDns,
      domain: config.clusterDomain,
      resolvConf: await writeResolvConf(config),
    },
    references,
    tokens: apiTokens(client, clock),
    certificates,
    volumes: createPodVolumes(paths, {
      memoryBytes: allocatableMemoryBytes(machine),
      certificates,
      claims: createClaimVolumes({
        claims: apiClaims(client),
        node: () => ({ name: nodeName, labels: nodeInformer.get(nodeName)?.metadata.labels ?? {} }),
      }),
    }),
    cgroups,
    images: createImageManager(runtime, events, clock),
    hooks: createHookRunner(runtime, clock, probeUserAgent),
    events,
    startBackoff: createBackoff(clock),
    clock,
    log,
    networkProblem: () => health.networkProblem(),
    source: podInformer,
    writer: apiPodWriter(client),
    random,
    userAgent: probeUserAgent,
  });
  const lookup = createPodLookup({
    runtime,
    owner: nodeName,
    pods: () => agent.pods(),
    status: (uid) => agent.status(uid),
  });

  // The start, in the order in which one needs the other.
  await health.check();
  const { node: registered, isNew } = await registerNode(
    {
      client,
      nodeName,
      labels: { ...config.nodeLabels, ...defaultLabels(nodeName) },
      annotations: changes.annotations,
      spec: config.providerId ? { providerID: config.providerId } : {},
      status: await buildStatus({}),
      clock,
      random,
      log,
    },
    signal,
  );
  const nodeEvents = createNodeEvents(recorder, nodeName);
  nodeEvents.started(registered.status, nodeInfo.bootID);
  if (isNew) nodeEvents.conditions([], registered.status?.conditions ?? []);
  log.info({ node: nodeName }, 'the node is registered');
  const reporter = createNodeReporter({
    client,
    nodeName,
    build: buildStatus,
    registered,
    events: nodeEvents,
    clock,
    random,
    log,
  });
  changed = () => reporter.poke();
  const network = keepPodNetwork(
    {
      name: 'kumulus',
      bridge: 'cni0',
      clusterCidrs: config.clusterCidrs ?? [],
      cniConfDir: config.cniConfDir,
    },
    environment,
  );
  // The node is not ready before its pods can have addresses.
  nodeInformer.onChange(({ after }) => {
    network(after?.spec.podCIDRs ?? (after?.spec.podCIDR ? [after.spec.podCIDR] : []));
  });
  const synced = informers.start(signal);
  const proxy = startServiceProxy({
    informers: { services: serviceInformer, endpointSlices: sliceInformer, nodes: nodeInformer },
    synced,
    nodeName,
    nodeIps: [nodeIp],
    podCidrs: config.clusterCidrs ?? [],
    ownServiceIps: config.clusterDns,
    serviceCidrs: config.serviceCidrs,
    mode: 'nftables',
    tableName: 'kumulus',
    run: runCommand,
    clock,
    random,
    log,
    signal,
  });
  const dns = await startDns({
    services: serviceInformer,
    endpointSlices: sliceInformer,
    synced,
    clusterDomain: config.clusterDomain,
    addresses: config.clusterDns,
    upstreams: config.upstreamResolvers ?? (await readResolvConf('/etc/resolv.conf')).servers,
    clock,
    random,
    log,
    signal,
  });
  await synced;
  const serving = config.serverTLSBootstrap ? servingCertificateFile(config.stateDir) : undefined;
  const reviews = createKubeClient(https.transport, {
    clock,
    random,
    signal,
    requestTimeoutMs: authorizationTimeoutMs,
  });
  const userOfToken = createTokenReviewer(reviews, { clock, log });
  const isOnAws = proxied !== undefined || config.gatewayPort !== undefined;
  const gateway = isOnAws
    ? createStreamGateway({
        nodeIp,
        peers: { port: config.listenPort, ca: clientCa },
        client: reviews,
        userOfToken,
        connectAs: (token) =>
          createHttpsTransport({ server: config.server, ca: authority, token: { value: token }, clock }),
        lookup,
        runtime,
        clock,
        log,
        signal,
      })
    : undefined;
  const server = await startAgentServer({
    listenAddress: config.listenAddress,
    listenPort: config.listenPort,
    tls: {
      ...(await servingPair(config, serving)),
      clientCa,
    },
    userOfToken,
    gateway,
    authorize: createAuthorizer(reviews, nodeName, { clock, log }),
    lookup,
    runtime,
    localVolumes: createLocalDirectories(join(config.stateDir, 'local-volumes')),
    clock,
    log,
    signal,
  });
  const running = [
    changes.run(),
    ...(await serveAws(config, { gateway, proxied, authority, log, signal })),
    server.stopped,
    proxy.stopped,
    dns.stopped,
    agent.run(signal),
    health.run(signal),
    // A node that was ready stays so while its agent comes back: what runs here is known in a moment.
    Promise.race([agent.lifecycle.listed, clock.sleep(firstListWithinMs, signal)]).then(() =>
      reporter.run(signal),
    ),
    keepLease(
      {
        ...{ client, nodeName, nodeUid: registered.metadata.uid, clock, random, log },
        ...(config.changes && { renewMs: paidLeaseRenewMs }),
      },
      signal,
    ),
  ];
  const rotation = { client, clock, random, log };
  if (kept) {
    running.push(keepCertificate({ ...rotation, file: kept, wanted: clientCertificateOf(nodeName) }, signal));
  }
  if (serving) {
    const wanted = servingCertificateOf(nodeName, [nodeIp]);
    const replaced = (pair: CertifiedKey) => server.useCertificate(pair);
    running.push(keepCertificate({ ...rotation, file: serving, wanted, replaced }, signal));
  }
  if (imageDir) running.push(collectImages({ runtime, imageDir, clock, log }, signal));
  await Promise.all(running);
  await Promise.race([recorder.flush(), clock.sleep(2_000)]);
  https.close();
  runtime.close();
}

/** What the agent shows to those who call it, as far as it has it yet. */
async function servingPair(
  { servingCertificate, servingKey }: AgentConfig,
  file: CertificateFile | undefined,
): Promise<{ cert?: string | Buffer; key?: string | Buffer }> {
  if (servingCertificate && servingKey)
    return { cert: await readFile(servingCertificate), key: await readFile(servingKey) };
  const pair = file?.current();
  return pair ? { cert: pair.certificate, key: pair.key } : {};
}

/** Pods whose names are not resolved by the cluster use the node's resolvers, which need not be this machine's file. */
async function writeResolvConf({ stateDir, upstreamResolvers }: AgentConfig): Promise<string> {
  if (!upstreamResolvers || upstreamResolvers.length === 0) return '/etc/resolv.conf';
  const file = join(stateDir, 'resolv.conf');
  await writeFile(file, upstreamResolvers.map((server) => `nameserver ${server}\n`).join(''));
  return file;
}
