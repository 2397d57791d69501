/** Makes what a server behind the proxy says of itself true for those who reach it through the proxy. */

export interface ProxiedPage {
  /** `host:port` that the page was fetched from. */
  backendHost: string;
  /** `Host` of the client's request. */
  requestHost: string;
  /** `/api/v1/namespaces/default/pods/web/proxy` */
  prefix: string;
}

const urlParts = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/is;

/** Puts the prefix before absolute paths of the same host; links that are relative or lead elsewhere stay. */
export function rewriteUrl(text: string, { backendHost, requestHost, prefix }: ProxiedPage): string {
  const [, scheme = '', host = '', path = '', query = '', fragment = ''] = urlParts.exec(text) ?? [];
  const isElsewhere = host !== '' && host !== backendHost && host !== requestHost;
  if (isElsewhere || !path.startsWith('/')) return text;
  const keepsHost = host !== '' && host === requestHost;
  const start = keepsHost ? `${scheme && `${scheme}:`}//${host}` : '';
  const target = path.startsWith(prefix) ? path : prefix + path.replaceAll(/\/{2,}/g, '/');
  return start + target + query + fragment;
}

/** Attributes that hold a URL, by element (HTML Standard, "Attributes"). */
const urlAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

/** Elements whose content is text, whatever it looks like. */
const rawText = new Set(['script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed', 'noframes']);

/** Rewrites the links of a page; everything else stays byte by byte. */
export function rewriteHtml(html: string, page: ProxiedPage): string {
  const out: string[] = [];
  let done = 0;
  let at = html.indexOf('<');
  while (at >= 0) {
    if (html.startsWith('<!--', at)) {
      at = after(html, '-->', at + 4);
    } else {
      const name = /^[a-z][^\s/>]*/i.exec(html.slice(at + 1, at + 33))?.[0]?.toLowerCase();
      if (name === undefined) {
        at = /^[/!?]/.test(html.slice(at + 1, at + 2)) ? after(html, '>', at + 2) : at + 1;
      } else {
        const end = tagEnd(html, at + 1 + name.length, (attribute, from, to) => {
          if (!urlAttributes[name]?.includes(attribute)) return;
          const value = unescape(html.slice(from, to));
          const rewritten = rewriteUrl(value, page);
          if (rewritten === value) return;
          out.push(html.slice(done, from), escape(rewritten));
          done = to;
        });
        at = rawText.has(name) ? closing(html, name, end) : end;
      }
    }
    at = html.indexOf('<', at);
  }
  out.push(html.slice(done));
  return out.join('');
}

/** The end of a start tag; `found` is told each attribute with the place of its value. */
function tagEnd(
  html: string,
  from: number,
  found: (attribute: string, from: number, to: number) => void,
): number {
  const attribute = /[\s/]*([^\s/>=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?/dy;
  let at = from;
  for (;;) {
    attribute.lastIndex = at;
    const match = attribute.exec(html);
    if (!match) break;
    at = attribute.lastIndex;
    const place = match.indices?.[2] ?? match.indices?.[3] ?? match.indices?.[4];
    if (place) found((match[1] ?? '').toLowerCase(), place[0], place[1]);
  }
  return after(html, '>', at);
}

function closing(html: string, name: string, from: number): number {
  const pattern = new RegExp(`</${name}[\\s/>]`, 'gi');
  pattern.lastIndex = from;
  return pattern.exec(html)?.index ?? html.length;
}

function after(html: string, mark: string, from: number): number {
  const at = html.indexOf(mark, from);
  return at < 0 ? html.length : at + mark.length;
}

function unescape(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&#34;')
    .replaceAll("'", '&#39;');
}
