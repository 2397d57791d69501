import type { ApiHandler, UserInfo } from '../http/types.ts';
import { createKubeClient, type KubeClientOptions } from './kube-client.ts';
import type { KubeClient } from './port.ts';
import type { Transport } from './transport.ts';

/** Calls an API server in the same process as `user`: the whole request pipeline without a network hop. */
export function createInProcessTransport(handler: ApiHandler, user: UserInfo): Transport {
  const peer = { via: 'process', user } as const;
  return (request) => handler({ ...request, peer });
}

/** A client of an API server in the same process; its User-Agent is the last part of the user's name. */
export function createInProcessClient(
  handler: ApiHandler,
  user: UserInfo,
  options: KubeClientOptions = {},
): KubeClient {
  const userAgent = options.userAgent ?? user.username.replace(/^.*:/, '');
  return createKubeClient(createInProcessTransport(handler, user), { ...options, userAgent });
}
