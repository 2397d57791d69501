import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { Store } from '../../../lib/store/port.ts';
import type { TokenIssuer } from '../../../lib/tokens/index.ts';
import type { AdmissionChain } from '../pipeline/admission.ts';
import type { Authorizer } from '../authorization/port.ts';
import type { TokenAuthenticator } from '../pipeline/authentication.ts';
import type { NodeConnection } from './node-connection.ts';
import type { NodeLoads } from './node-loads.ts';
import type { ProxyTransport } from './proxy/send.ts';
import type { Registry } from './registry.ts';
import type { ServiceAllocator } from './services/allocator.ts';

/** What the handlers work with. */
export interface Backend {
  store: Store;
  cache: WatchCache;
  clock: Clock;
  log: Logger;
  registry: Registry;
  admission: AdmissionChain;
  authorizer: Authorizer;
  /** Of bearer tokens, for TokenReview. */
  authenticator: TokenAuthenticator;
  tokens: TokenIssuer;
  services: ServiceAllocator;
  nodes: NodeConnection;
  loads: NodeLoads;
  /** To servers of pods. */
  proxy: ProxyTransport;
  /** Aborts when the server closes: watches end. */
  closing: AbortSignal;
}
