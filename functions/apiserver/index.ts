/** The API server without a host: what is built, from what, in which order. */
import { randomUUID } from 'node:crypto';
import type { Registry } from 'prom-client';
import { pathNotFound } from '../../lib/api/status.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { ApiHandler, ApiRequest, ApiResponse } from '../../lib/http/types.ts';
import type { Logger } from '../../lib/log.ts';
import { openWatchCache } from '../../lib/store/cache/index.ts';
import type { Store } from '../../lib/store/port.ts';
import { createTokenIssuer, type ExternalSigner, type TokenIssuer } from '../../lib/tokens/index.ts';
import { kubernetesVersion } from '../../lib/version.ts';
import { CurrentPolicies } from './admission/policy/current-policies.ts';
import { paramAccess } from './admission/policy/param-access.ts';
import { accessEntries } from './admission/access-entries.ts';
import { admissionPlugins } from './admission/index.ts';
import type { AdmissionSettings } from './admission/settings.ts';
import { ensureFlowControl } from './bootstrap/flow-control.ts';
import { bootstrap, bootstrapClient } from './bootstrap/index.ts';
import { createDiscovery } from './discovery/index.ts';
import { healthEndpoint } from './health.ts';
import { createMetrics, measuredStore } from './metrics/index.ts';
import { createOpenApi } from './openapi/index.ts';
import { admissionChain } from './pipeline/admission.ts';
import { type AuditOptions, audit, failedAuthenticationAudit } from './pipeline/audit.ts';
import { anonymous } from './authentication/anonymous.ts';
import { createBoundObjects } from './authentication/bound-objects.ts';
import { type AuthenticationOptions, createAuthentication } from './authentication/index.ts';
import { authentication, type TokenAuthenticator } from './pipeline/authentication.ts';
import { type AuthorizationOptions, createAuthorization } from './authorization/index.ts';
import { rbacEscalation } from './authorization/rbac/escalation.ts';
import { authorization } from './pipeline/authorization.ts';
import { compose, type RequestContext } from './pipeline/context.ts';
import {
  createFlowControl,
  type InFlightLimits,
  registerFlowControlMetrics,
} from './pipeline/flow-control/index.ts';
import { impersonation } from './pipeline/impersonation/index.ts';
import { parseRequestInfo, type RequestInfo, unreadableRequestInfo } from './pipeline/request-info.ts';
import { addWarnings, errorResponse } from './pipeline/respond.ts';
import type { Backend } from './registry/backend.ts';
import { createNodeConnection } from './registry/node-connection.ts';
import { createNodeLoads } from './registry/node-loads.ts';
import { createProxyTransport } from './registry/proxy/send.ts';
import { nodeTlsOf } from './registry/proxy/tunnel.ts';
import { createRegistry, type Registry as Resources } from './registry/registry.ts';
import { routeResource } from './registry/route.ts';
import { createServiceAllocator } from './registry/services/allocator.ts';
import { rootPaths } from './root-paths.ts';
import { versionInfo } from './version.ts';

export interface ApiServerOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  /** `10.96.0.0/16`, or one range of each family, as `10.96.0.0/16,fd00:96::/112`. */
  serviceCidr: string;
  /** `30000-32767` */
  nodePortRange: string;
  /** Where pods and nodes reach the API server: the endpoint of the Service `kubernetes`. */
  advertise: { address: string; port: number };
  /** Keys are PEM, of P-256 or RSA. Tokens of each of the `verificationKeys` are good beside those of the key that signs. */
  serviceAccounts: {
    issuer: string;
    signingKey: string | ExternalSigner;
    verificationKeys?: readonly string[];
  };
  /** PEM. Signs clients and the servers of nodes. */
  clusterCa: string;
  /** What the API server shows to the servers of nodes. PEM; may be replaced in the object, for connections to come. */
  nodeClient: { certificate: string; key: string };
  /** Who may do what. Default: nodes by what their pods use, everyone by roles. */
  authorization?: AuthorizationOptions;
  /** Who is let in besides holders of certificates and of service account and bootstrap tokens. */
  authentication?: AuthenticationOptions;
  /** Asked before all others, in order. */
  authenticators?: readonly TokenAuthenticator[];
  /** Without it nothing is recorded. */
  audit?: AuditOptions;
  inFlight?: InFlightLimits;
  /** Which admission plugins run, and how. */
  admission?: AdmissionSettings;
  /**
   * Who sees to it that the cluster has what every cluster has, and that no service address is lost: the server `self`
   * (default), or its `host`, that has many of it and calls `keepHouse` from time to time.
   */
  housekeeping?: 'self' | 'host';
}

export interface ApiServer {
  handle: ApiHandler;
  /** What `/metrics` shows; other parts of the process may add theirs. */
  metrics: Registry;
  /** Creates what every cluster has where it is missing, and gives back what no Service holds. May run in many at once. */
  keepHouse(): Promise<void>;
  /** Types (by the store's names) that somebody watches now: where the store is only read on demand, ask it for their heads. */
  watched(): string[];
  /** Ends watches and lets go of what it keeps; the store stays open. */
  close(): Promise<void>;
}

/** How often numbers that no Service holds are looked for; upstream's interval. */
const repairIntervalMs = 3 * 60_000;

export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, log } = options;
  const closing = new AbortController();
  const storage = measuredStore(options.store, () => clock.now());
  const cache = openWatchCache({ store: storage.store, clock, log });
  const { authorizer, policy } = createAuthorization(options.authorization ?? {}, {
    cache,
    clock,
    log,
    signal: closing.signal,
  });
  // What this process writes of roles, admission policies and their bindings holds for the next request.
  const policies = new CurrentPolicies(cache, clock);
  // Nor is a token good that it took the account, pod, secret or node from.
  const bound = createBoundObjects({ cache, clock });
  const store = bound.observe(policies.observe(policy.observe(storage.store)));
  const registry = createRegistry();
  const definitions = registry.all().map(({ definition }) => definition);
  const { serviceCidr, nodePortRange, clusterCa } = options;
  const nodeTls = nodeTlsOf(clusterCa, options.nodeClient);
  const nodes = createNodeConnection(nodeTls);
  // A pod's certificate is its own affair, as kube-apiserver sees it too.
  const proxy = createProxyTransport({ rejectUnauthorized: false }, nodeTls);
  const tokens = createTokenIssuer({ ...options.serviceAccounts, now: () => clock.now() });
  const identities = createAuthentication(options.authentication ?? {}, {
    tokens,
    bound,
    cache,
    clock,
    log,
    signal: closing.signal,
    first: options.authenticators ?? [],
  });
  const backend: Backend = {
    store,
    cache,
    clock,
    log,
    registry,
    authorizer,
    authenticator: identities.tokens,
    tokens,
    nodes,
    loads: createNodeLoads({ cache, clock, closing: closing.signal }),
    proxy,
    admission: admissionChain(
      admissionPlugins({ store, cache, clock, authorizer, registry, policies }, options.admission, [
        rbacEscalation(policy, authorizer),
        paramAccess({ authorizer, cache, registry }),
        accessEntries,
      ]),
    ),
    services: createServiceAllocator({ store, cache, clock, serviceCidr, nodePortRange }),
    closing: closing.signal,
  };
  const flowControl = createFlowControl({
    cache,
    clock,
    log,
    ...(options.inFlight && { limits: options.inFlight }),
    onChange: () => ensureFlowControl(bootstrapClient(handle), clock),
  });
  const metrics = createMetrics(() => cache, [storage.text]);
  registerFlowControlMetrics(metrics.registry, flowControl.state);
  const discovery = createDiscovery(definitions, `${options.advertise.address}:${options.advertise.port}`);
  const openApi = createOpenApi(definitions, kubernetesVersion);
  const isHosted = options.housekeeping === 'host';
  let isBootstrapped = isHosted;
  const ping = { name: 'ping', check: () => Promise.resolve() };
  const checks = [
    ping,
    { name: 'log', check: () => Promise.resolve() },
    { name: 'etcd', check: async () => void (await store.head('namespaces')) },
  ];
  const started = {
    name: 'poststarthook/bootstrap-controller',
    check: () => (isBootstrapped ? Promise.resolve() : Promise.reject(new Error('not finished'))),
  };
  const shutdown = {
    name: 'shutdown',
    check: () =>
      closing.signal.aborted ? Promise.reject(new Error('process is shutting down')) : Promise.resolve(),
  };
  const healthChecks = {
    '/healthz': [...checks, started],
    '/livez': checks,
    '/readyz': [...checks, started, shutdown],
  };
  const health = Object.entries(healthChecks).map(([path, of]) => healthEndpoint(path, of, log));
  const paths = rootPaths(definitions, healthChecks);

  const routeOther = async ({ request, info }: RequestContext): Promise<ApiResponse> => {
    const { path } = info;
    if (request.method !== 'GET' && request.method !== 'HEAD') throw pathNotFound();
    for (const endpoint of health) {
      const answer = await endpoint.respond(path, request.query);
      if (answer) return answer;
    }
    const { accept, 'accept-encoding': acceptEncoding, 'if-none-match': ifNoneMatch } = request.headers;
    if (/^\/version\/?$/.test(path)) return json(versionInfo());
    if (path === '/metrics') return metrics.respond();
    if (path === '/') return json({ paths });
    if (path === '/openid/v1/jwks') return published(await tokens.keys(), 'application/jwk-set+json');
    if (path === '/.well-known/openid-configuration') return published(openIdConfiguration(tokens));
    const answer =
      discovery.respond({ path, accept, ifNoneMatch }) ??
      (await openApi.respond({
        path,
        query: request.query,
        accept,
        acceptEncoding,
        ifNoneMatch,
        now: clock.now(),
      }));
    if (!answer) throw pathNotFound();
    // Made once and kept: what later stages add must not stay on it.
    return { ...answer, headers: { ...answer.headers } };
  };
  const now = () => clock.now();
  const run = compose(
    [
      ...(options.audit ? [failedAuthenticationAudit(options.audit, now)] : []),
      authentication(identities, now),
      ...(options.audit ? [audit(options.audit, now)] : []),
      impersonation(authorizer),
      flowControl.stage,
      authorization(authorizer),
    ],
    (context) => {
      // Says what is wrong with it.
      const { method, path, query } = context.request;
      if (context.isUnreadable) parseRequestInfo(method, path, query);
      return context.info.isResourceRequest && !isDiscovery(context)
        ? routeResource(backend, context)
        : routeOther(context);
    },
  );

  const handle: ApiHandler = async (request) => {
    const receivedAtMs = clock.now();
    let context: RequestContext | undefined;
    let response: ApiResponse;
    let end: (() => void) | undefined;
    try {
      const { info, isUnreadable } = infoOf(request);
      const auditID = request.headers['audit-id']?.slice(0, 64) || randomUUID();
      const auditAnnotations = {};
      context = {
        request,
        info,
        isUnreadable,
        receivedAtMs,
        user: anonymous,
        warnings: [],
        auditID,
        auditAnnotations,
      };
      end = metrics.begin(info);
      response = await run(context);
    } catch (error) {
      response = errorResponse(error);
      if (response.status === 500) logFailure(log, request, error);
    } finally {
      end?.();
    }
    if (context) {
      response.headers['audit-id'] = context.auditID;
      // Nothing is to be kept by others but what says so.
      response.headers['cache-control'] ??= 'no-cache, private';
      addWarnings(response, context.warnings);
      if (context.responseHeaders) Object.assign(response.headers, context.responseHeaders);
      const { info, queuedMs = 0 } = context;
      metrics.observe({
        method: request.method,
        info,
        isServed: isServed(registry, info),
        isApply: info.verb === 'patch' && request.headers['content-type'] === 'application/apply-patch+yaml',
        dryRun: request.query.get('dryRun') === 'All',
        code: response.upgrade ? 101 : response.status,
        seconds: (clock.now() - receivedAtMs) / 1000,
        queuedSeconds: queuedMs / 1000,
        sizeBytes: sizeOf(response),
      });
    }
    return response;
  };

  const bootstrapCluster = () =>
    bootstrap({ handle, clock, log, serviceCidr, clusterCa, advertise: options.advertise });
  let repairing: Promise<void> | undefined;
  if (!isHosted) {
    await bootstrapCluster();
    await flowControl.refresh();
    isBootstrapped = true;
    repairing = repairForEver(backend, closing.signal);
  }
  return {
    handle,
    metrics: metrics.registry,
    watched: () => cache.stats().flatMap(({ resource, watchers }) => (watchers > 0 ? [resource] : [])),
    async keepHouse() {
      await bootstrapCluster();
      await repair(backend);
    },
    async close() {
      closing.abort(new Error('the API server is closing'));
      await repairing;
      await cache.close();
      nodes.close();
      proxy.close();
    },
  };
}

function infoOf({ method, path, query }: ApiRequest): Pick<RequestContext, 'info' | 'isUnreadable'> {
  try {
    return { info: parseRequestInfo(method, path, query), isUnreadable: false };
  } catch (error) {
    if (!isKind(error, 'BadRequest')) throw error;
    return { info: unreadableRequestInfo(method, path), isUnreadable: true };
  }
}

/** Undefined for a stream, and for what is compressed as it is sent. */
function sizeOf({ body, headers }: ApiResponse): number | undefined {
  if (body instanceof Uint8Array) return body.byteLength;
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

async function repair({ services, log }: Backend): Promise<void> {
  const given = await services.repair();
  if (given > 0) log.info({ given }, 'gave back service addresses and node ports that no Service has');
}

async function repairForEver(backend: Backend, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await repair(backend).catch((error: unknown) =>
      backend.log.warn({ reason: messageOf(error) }, 'service repair failed'),
    );
    await pause(backend.clock, repairIntervalMs, signal);
  }
}

function isServed(
  registry: Resources,
  { apiGroup, apiVersion, resource, subresource }: RequestInfo,
): boolean {
  const entry = registry.find(apiGroup, apiVersion, resource);
  if (!entry) return false;
  return subresource === '' || entry.definition.subresources.some(({ name }) => name === subresource);
}

/** `/apis/<group>/<version>` has the length of a resource path and is none. */
function isDiscovery({ info }: RequestContext): boolean {
  return info.resource === '';
}

function logFailure(log: Logger, { method, path }: ApiRequest, error: unknown): void {
  log.error({ err: error, method, path }, 'request failed');
}

function json(value: object, contentType = 'application/json'): ApiResponse {
  const body = Buffer.from(JSON.stringify(value, undefined, 2));
  return {
    status: 200,
    headers: { 'content-type': contentType, 'content-length': String(body.byteLength) },
    body,
  };
}

/** What others keep for a while: keys must be known to them before anything is signed with them. */
function published(value: object, contentType?: string): ApiResponse {
  const response = json(value, contentType);
  response.headers['cache-control'] = 'public, max-age=3600';
  return response;
}

function openIdConfiguration({ issuer, algorithms }: TokenIssuer): object {
  return {
    issuer,
    jwks_uri: `${issuer}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
  };
}
