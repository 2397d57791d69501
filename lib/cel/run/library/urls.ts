import { CelError, type CelValue, Opaque } from '../values.ts';
import type { Implementation, Implementations } from './implementation.ts';

class Url extends Opaque {
  readonly typeName = 'kubernetes.URL';
  readonly url: URL;
  readonly isPathOnly: boolean;
  constructor(url: URL, isPathOnly: boolean) {
    super();
    this.url = url;
    this.isPathOnly = isPathOnly;
  }
  override equals(other: Opaque): boolean {
    return other instanceof Url && other.url.href === this.url.href && other.isPathOnly === this.isPathOnly;
  }
}

/** Absolute, or a path that begins with `/` (Go's `url.ParseRequestURI`). */
function parse(text: CelValue | undefined): Url | undefined {
  if (typeof text !== 'string') return undefined;
  const isPathOnly = text.startsWith('/');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x20\x7f]/.test(text) || (!isPathOnly && !/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text)))
    return undefined;
  if (/%(?![0-9a-fA-F]{2})/.test(text.split('?')[0] ?? '')) return undefined;
  const parsed = URL.parse(text, isPathOnly ? 'path://' : undefined);
  return parsed ? new Url(parsed, isPathOnly) : undefined;
}

const of =
  (run: (url: Url) => CelValue): Implementation =>
  ([url = null]) =>
    url instanceof Url ? run(url) : undefined;

export const urls: Implementations = {
  url([text]) {
    const url = parse(text);
    if (!url)
      throw new CelError(
        `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
      );
    return url;
  },
  isURL: ([text]) => parse(text) !== undefined,
  getScheme: of(({ url, isPathOnly }) => (isPathOnly ? '' : url.protocol.slice(0, -1))),
  getHost: of(({ url, isPathOnly }) => (isPathOnly ? '' : url.host)),
  getHostname: of(({ url, isPathOnly }) => (isPathOnly ? '' : url.hostname.replace(/^\[(.*)\]$/, '$1'))),
  getPort: of(({ url }) => url.port),
  getEscapedPath: of(({ url }) => url.pathname),
  getQuery: of(({ url }) => {
    const query = new Map<CelValue, CelValue>();
    for (const key of url.searchParams.keys()) query.set(key, url.searchParams.getAll(key));
    return query;
  }),
};
