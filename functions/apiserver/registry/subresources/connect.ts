import { containerOf } from '../../../../lib/api/pod-container.ts';
import { badRequest } from '../../../../lib/api/status.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import { authorizeVerb } from '../../pipeline/authorization.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { isTrue } from '../../pipeline/request-info.ts';
import type { Backend } from '../backend.ts';
import { admissionOf } from '../handlers/write.ts';
import type { RegistryEntry } from '../registry.ts';
import { isUpgradeRequest } from './proxy.ts';
import { findTarget } from './target.ts';

/** What a client may not say to a node's server in our name. */
const keptBack =
  /^(host|authorization|cookie|content-length|transfer-encoding|impersonate-.*|x-forwarded-.*|:.*)$/;

/** exec, attach and port-forward: the host joins the client's connection with the node's. */
export async function handleConnect(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const { request, info } = context;
  const params = { dryRun: false, fieldManager: undefined, fieldValidation: 'Ignore' as const, force: false };
  const attributes = admissionOf(
    { backend, context, entry, params, subresource: info.subresource },
    'CONNECT',
    undefined,
    undefined,
  );
  await backend.admission.mutate(attributes);
  await backend.admission.validate(attributes);
  // A WebSocket begins with GET; that must not open to readers what runs commands (KEP-4006).
  await authorizeVerb(backend.authorizer, context, 'create');
  const { pod, server } = await findTarget(backend, context, entry);
  if (server === undefined) throw badRequest(`pod ${info.name} does not have a host assigned`);
  if (!isUpgradeRequest(context)) throw badRequest('Upgrade request required');
  const place = [info.namespace, info.name].map(encodeURIComponent).join('/');
  const url =
    info.subresource === 'portforward'
      ? `${server}/portForward/${place}${portQuery(request.query)}`
      : `${server}/${info.subresource}/${place}/${encodeURIComponent(containerOf(pod, request.query.get('container')))}${streamQuery(request.query)}`;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !keptBack.test(name)) headers[name] = value;
  }
  return { status: 101, headers: {}, body: undefined, upgrade: { url, headers } };
}

/** The kubelet has its own names for the streams, and for ports (`registry/core/pod`, `streamParams`). */
function streamQuery(query: URLSearchParams): string {
  const renamed = new URLSearchParams();
  for (const [from, to] of [
    ['stdin', 'input'],
    ['stdout', 'output'],
    ['stderr', 'error'],
    ['tty', 'tty'],
  ] as const) {
    const asked = query.get(from);
    // Output is on unless it is turned off; a terminal has no separate error stream.
    const on = asked === null ? from === 'stdout' || from === 'stderr' : isTrue(asked);
    if (on && !(from === 'stderr' && isTrue(query.get('tty')))) renamed.set(to, '1');
  }
  for (const word of query.getAll('command')) renamed.append('command', word);
  return `?${renamed.toString()}`;
}

/** For WebSockets whose channels are numbered by port; the other protocols name it for each stream. */
function portQuery(query: URLSearchParams): string {
  const ports = query.getAll('ports');
  return ports.length > 0 ? `?${new URLSearchParams({ port: ports.join(',') }).toString()}` : '';
}
