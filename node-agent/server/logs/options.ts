import { KumulusError } from '../../../lib/errors.ts';

/** `v1.PodLogOptions` as the node's API takes them in the query, made ready for reading. */
export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  /** Milliseconds since the epoch; lines before it are left out. */
  sinceMs: number | undefined;
  tailLines: number | undefined;
  limitBytes: number | undefined;
  stream: 'All' | 'Stdout' | 'Stderr';
}

/**
 * Errors are `BadRequest` where a value cannot be read, and `Invalid` where it is not allowed, each with the field and
 * the value.
 */
export function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const sinceSeconds = integer(query, 'sinceSeconds', 1);
  const sinceTime = query.get('sinceTime');
  if (sinceSeconds !== undefined && sinceTime) {
    throw new KumulusError(
      'Invalid',
      'sinceSeconds: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    );
  }
  const tail = integer(query, 'tailLines', 0);
  const stream = query.get('stream') || 'All';
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr') {
    throw new KumulusError(
      'Invalid',
      `stream: Unsupported value: ${JSON.stringify(stream)}: supported values: "All", "Stderr", "Stdout"`,
    );
  }
  if (tail !== undefined && stream !== 'All') {
    throw new KumulusError(
      'Invalid',
      'tailLines: Forbidden: `tailLines` and specific `stream` are mutually exclusive for now',
    );
  }
  return {
    follow: boolean(query, 'follow'),
    previous: boolean(query, 'previous'),
    timestamps: boolean(query, 'timestamps'),
    sinceMs: sinceTime
      ? time(sinceTime)
      : sinceSeconds !== undefined
        ? nowMs - sinceSeconds * 1000
        : undefined,
    tailLines: tail,
    limitBytes: integer(query, 'limitBytes', 1),
    stream,
  };
}

/** As apimachinery reads booleans in a query: there, and not `false` or `0`, is true. */
export function boolean(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

function integer(query: URLSearchParams, name: string, min: number): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) {
    throw new KumulusError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(text);
  if (value < min) {
    throw new KumulusError(
      'Invalid',
      `${name}: Invalid value: ${value}: must be greater than ${min === 0 ? 'or equal to 0' : '0'}`,
    );
  }
  return value;
}

function time(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) {
    throw new KumulusError(
      'BadRequest',
      `sinceTime: Invalid value: ${JSON.stringify(text)}: must be RFC 3339`,
    );
  }
  return ms;
}
