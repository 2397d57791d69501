/** `/healthz`, `/livez`, `/readyz` and their checks (API reference, "Kubernetes API health endpoints"). */
import { pathNotFound } from '../../lib/api/status.ts';
import { quote } from '../../lib/api/validate/quote.ts';
import { messageOf } from '../../lib/errors.ts';
import type { ApiResponse } from '../../lib/http/types.ts';
import type { Logger } from '../../lib/log.ts';

export interface HealthCheck {
  name: string;
  /** Rejects, with the reason for the log, when it does not hold. */
  check(): Promise<void>;
}

export interface HealthEndpoint {
  /** Undefined when the path is not below this endpoint. */
  respond(path: string, query: URLSearchParams): Promise<ApiResponse | undefined>;
}

export function healthEndpoint(
  endpoint: string,
  checks: readonly HealthCheck[],
  log: Logger,
): HealthEndpoint {
  const run = async ({ name, check }: HealthCheck): Promise<boolean> => {
    try {
      await check();
      return true;
    } catch (error) {
      log.warn({ check: name, endpoint, reason: messageOf(error) }, 'health check failed');
      return false;
    }
  };
  return {
    async respond(path, query) {
      if (path !== endpoint && !path.startsWith(`${endpoint}/`)) return undefined;
      const name = path.slice(endpoint.length + 1);
      if (name !== '') {
        const one = checks.find((check) => check.name === name);
        if (!one) throw pathNotFound();
        return (await run(one)) ? text(200, 'ok') : text(500, `internal server error: ${name} failed\n`);
      }
      const excluded = new Set(query.getAll('exclude').filter((one) => one !== ''));
      const unknown = [...excluded].filter((one) => !checks.some((check) => check.name === one));
      const lines: string[] = [];
      const failed: string[] = [];
      for (const one of checks) {
        if (excluded.has(one.name)) {
          lines.push(`[+]${one.name} excluded: ok`);
        } else if (await run(one)) {
          lines.push(`[+]${one.name} ok`);
        } else {
          failed.push(one.name);
          lines.push(`[-]${one.name} failed: reason withheld`);
        }
      }
      if (unknown.length > 0) {
        const names = unknown.sort().map(quote).join(', ');
        lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
      }
      const about = endpoint.slice(1);
      if (failed.length > 0) return text(500, `${lines.join('\n')}\n${about} check failed\n`);
      return text(200, query.has('verbose') ? `${lines.join('\n')}\n${about} check passed\n` : 'ok');
    },
  };
}

function text(status: number, body: string): ApiResponse {
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache, private',
    },
    body: Buffer.from(body),
  };
}
