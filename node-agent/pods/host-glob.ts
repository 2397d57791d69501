/**
 * Hosts as pull secrets name them (Images, "Interpretation of config.json"): part by part between dots, each with the
 * wildcards `*`, `?`, `[a-z]` and `[^a-z]`, which never stand for a dot. A secret is anybody's to write: the time it takes
 * is the product of both lengths, whatever stands in it.
 */

type One = (character: string) => boolean;
type Term = One | '*';

export function matchesHost(pattern: string, host: string): boolean {
  const [name = '', port = ''] = splitPort(pattern);
  const [hostName = '', hostPort = ''] = splitPort(host);
  if (port !== hostPort) return false;
  const wanted = name.split('.');
  const found = hostName.split('.');
  return (
    wanted.length === found.length && wanted.every((part, index) => matchesPart(part, found[index] ?? ''))
  );
}

function splitPort(host: string): string[] {
  const at = host.lastIndexOf(':');
  return at < 0 || host.endsWith(']') ? [host] : [host.slice(0, at), host.slice(at + 1)];
}

/** Only the last star is ever tried again: what an earlier one took more or less of makes no difference. */
function matchesPart(pattern: string, text: string): boolean {
  const terms = termsOf(pattern);
  if (!terms) return false;
  let term = 0;
  let at = 0;
  let star: { term: number; at: number } | undefined;
  while (at < text.length || term < terms.length) {
    const next = terms[term];
    if (next === '*') {
      star = { term: ++term, at };
    } else if (next !== undefined && at < text.length && next(text.charAt(at))) {
      term++;
      at++;
    } else {
      if (!star || star.at >= text.length) return false;
      at = ++star.at;
      term = star.term;
    }
  }
  return true;
}

const syntax = /\*|\?|\\([\s\S])|\[(\^?)((?:\\[\s\S]|[^\]\\])+)\]|([^[\\])/gy;

/** Undefined for a pattern that is none, which matches nothing. */
function termsOf(pattern: string): Term[] | undefined {
  const terms: Term[] = [];
  let end = 0;
  for (const match of pattern.matchAll(syntax)) {
    const [whole, escaped, negated, ranges, plain] = match;
    end = match.index + whole.length;
    const literal = escaped ?? plain;
    if (whole === '*') terms.push('*');
    else if (whole === '?') terms.push(() => true);
    else if (literal !== undefined) terms.push((character) => character === literal);
    else {
      const has = inRanges(ranges ?? '');
      terms.push(negated ? (character) => !has(character) : has);
    }
  }
  return end === pattern.length ? terms : undefined;
}

function inRanges(text: string): One {
  const ranges = [...text.matchAll(/\\?([\s\S])(?:-\\?([\s\S]))?/g)];
  return (character) => ranges.some(([, from = '', to = from]) => character >= from && character <= to);
}
