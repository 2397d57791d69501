import type { Transport } from '../../../lib/client/transport.ts';
import { KumulusError } from '../../../lib/errors.ts';
import type { ApiResponse } from '../../../lib/http/types.ts';
import type { NodeDirectories } from './port.ts';

/** How long a node may take; a large directory is removed in several goes. */
const timeoutMs = 60_000;

/** Asks the nodes' agents by way of the API server (`nodes/proxy`), as the user of the transport. */
export function directoriesThroughNodes(transport: Transport): NodeDirectories {
  async function ask(method: string, node: string, volume: string, signal: AbortSignal): Promise<string> {
    const response = await transport({
      method,
      path: `/api/v1/nodes/${encodeURIComponent(node)}/proxy/localVolumes/${encodeURIComponent(volume)}`,
      query: new URLSearchParams(),
      headers: { accept: 'application/json' },
      body: undefined,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await textOf(response);
    if (response.status < 300) return text;
    const reason = text.trim().slice(0, 500) || `status ${response.status}`;
    throw new KumulusError(
      response.status === 404 ? 'NotFound' : 'InternalError',
      `node ${node}: ${messageIn(reason)}`,
    );
  }

  return {
    async create(node, volume, signal) {
      const answer: unknown = JSON.parse(await ask('PUT', node, volume, signal));
      const path =
        typeof answer === 'object' && answer !== null && 'path' in answer ? answer.path : undefined;
      if (typeof path === 'string' && path.startsWith('/')) return { path };
      throw new KumulusError('InternalError', `node ${node}: the answer names no directory`);
    },
    async remove(node, volume, signal) {
      await ask('DELETE', node, volume, signal);
    },
  };
}

/** The message of a Status, or the text as it is. */
function messageIn(text: string): string {
  try {
    const status: unknown = JSON.parse(text);
    if (typeof status === 'object' && status !== null && 'message' in status) return String(status.message);
  } catch {
    return text;
  }
  return text;
}

async function textOf({ body }: ApiResponse): Promise<string> {
  if (body === undefined) return '';
  if (body instanceof Uint8Array) return Buffer.from(body).toString('utf8');
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
