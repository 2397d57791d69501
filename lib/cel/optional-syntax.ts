/**
 * `object.?field`, `map[?key]`, `{?key: value}` and `[?element]`: the parser does not know them. The question mark is
 * replaced by something of the same length that it knows, and the place is remembered, so that what comes out of the
 * parser can be read as what it was.
 */

export interface OptionalSyntax {
  /** Of the points of `.?`. The field's name has gained a leading `_`. */
  selects: ReadonlySet<number>;
  /** Of opening square brackets that are followed by a question mark. */
  brackets: ReadonlySet<number>;
  /** Whether elements or entries of a literal are optional somewhere. */
  hasElements: boolean;
}

const none: OptionalSyntax = { selects: new Set(), brackets: new Set(), hasElements: false };

/** Strings, raw or not, of one line or several, and comments: what is in them is left alone. */
const skipped =
  /[rR]?[bB]?(?:"""[\s\S]*?"""|'''[\s\S]*?''')|[bB]?[rR](?:"[^"\n]*"|'[^'\n]*')|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*/y;

export function hideOptionalSyntax(source: string): { text: string; optional: OptionalSyntax } {
  if (!source.includes('?')) return { text: source, optional: none };
  const selects = new Set<number>();
  const brackets = new Set<number>();
  let hasElements = false;
  let text = '';
  for (let at = 0; at < source.length; ) {
    skipped.lastIndex = at;
    const skip = skipped.exec(source)?.[0];
    if (skip) {
      text += skip;
      at += skip.length;
      continue;
    }
    const rest = source.slice(at);
    const name = /^\.\?(?=[A-Za-z_])/.exec(rest)?.[0];
    const opening = /^[[{,]\s*\?/.exec(rest)?.[0];
    if (name) selects.add(at);
    if (opening?.startsWith('[')) brackets.add(at);
    if (opening) hasElements = true;
    text += name ? '._' : opening ? opening.replace('?', ' ') : source[at];
    at += name?.length ?? opening?.length ?? 1;
  }
  return { text, optional: { selects, brackets, hasElements } };
}
