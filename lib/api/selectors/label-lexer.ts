/** `text` is empty at the end of the input. Symbols are the operators (`in` and `notin` too), parentheses and the comma. */
export interface Token {
  type: 'end' | 'identifier' | 'symbol';
  text: string;
}

const symbols = new Set([')', ',', '!', '==', '=', '>', 'in', '<', '!=', 'notin', '(']);
const special = /[=!(),><]/;
const blank = /[ \t\r\n]/;

/** Splits a label selector into tokens; the last one is always `end`. Linear in the length of the input. */
export function tokenize(selector: string): Token[] {
  const tokens: Token[] = [];
  // A NUL ends the input, as it does for Kubernetes' own scanner.
  const nul = selector.indexOf('\0');
  const input = nul < 0 ? selector : selector.slice(0, nul);
  let at = 0;
  while (at < input.length) {
    const character = input.charAt(at);
    if (blank.test(character)) {
      at++;
    } else if (special.test(character)) {
      const two = input.slice(at, at + 2);
      const text = symbols.has(two) && special.test(two.charAt(1)) ? two : character;
      tokens.push({ type: 'symbol', text });
      at += text.length;
    } else {
      let end = at;
      while (end < input.length && !special.test(input.charAt(end)) && !blank.test(input.charAt(end))) end++;
      const text = input.slice(at, end);
      tokens.push({ type: symbols.has(text) ? 'symbol' : 'identifier', text });
      at = end;
    }
  }
  tokens.push({ type: 'end', text: '' });
  return tokens;
}
