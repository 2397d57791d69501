/**
 * Reads the `labelSelector` query parameter (API concepts, "Labels and Selectors"): equality-based (`a=b`, `a==b`,
 * `a!=b`), set-based (`a in (b,c)`, `a notin (b)`, `a`, `!a`) and numeric (`a>1`, `a<5`) requirements, all of which must hold.
 */
import { KumulusError, messageOf } from '../../errors.ts';
import { qualifiedName } from '../validate/formats.ts';
import { type Token, tokenize } from './label-lexer.ts';
import { quote } from '../validate/quote.ts';
import { newRequirement, type Operator, type Requirement } from './requirement.ts';

const binaryOperators: Readonly<Record<string, Operator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

/**
 * The requirements of a selector, in its own order.
 * @throws KumulusError BadRequest in kube-apiserver's words.
 */
export function parseRequirements(selector: string): Requirement[] {
  const parser = new Parser(tokenize(selector));
  const requirements: Requirement[] = [];
  for (;;) {
    const token = parser.peek();
    if (token.type === 'end') return requirements;
    if (token.type !== 'identifier' && token.text !== '!') {
      throw failure(`found '${token.text}', expected: !, identifier, or 'end of string'`);
    }
    requirements.push(parseRequirement(parser));
    const separator = parser.next();
    if (separator.type === 'end') return requirements;
    if (separator.text !== ',') throw failure(`found '${separator.text}', expected: ',' or 'end of string'`);
    const following = parser.peek();
    if (following.type !== 'identifier' && following.text !== '!') {
      throw failure(`found '${following.text}', expected: identifier after ','`);
    }
  }
}

function parseRequirement(parser: Parser): Requirement {
  try {
    let token = parser.next();
    const negated = token.type === 'symbol' && token.text === '!';
    if (negated) token = parser.next();
    if (token.type !== 'identifier') throw failure(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const keyErrors = qualifiedName(key);
    // The path is really printed like this: the parser of a query parameter has none.
    if (keyErrors.length > 0) throw failure(`<nil>: Invalid value: ${quote(key)}: ${keyErrors.join('; ')}`);
    if (negated) return newRequirement(key, '!', []);
    const following = parser.peek();
    if (following.type === 'end' || following.text === ',') return newRequirement(key, 'exists', []);
    const symbol = parser.next('operator');
    const operator = symbol.type === 'symbol' ? binaryOperators[symbol.text] : undefined;
    if (!operator) throw failure(`found '${symbol.text}', expected: in, notin, =, ==, !=, gt, lt`);
    const values =
      operator === 'in' || operator === 'notin' ? parseValues(parser) : [parseExactValue(parser)];
    return newRequirement(key, operator, values);
  } catch (error) {
    throw failure(`unable to parse requirement: ${messageOf(error)}`, error);
  }
}

/** `(a,b)`; an empty place stands for the empty value. */
function parseValues(parser: Parser): string[] {
  const open = parser.next();
  if (open.text !== '(') throw failure(`found '${open.text}' expected: '('`);
  const values = new Set<string>();
  const first = parser.peek();
  if (first.text === ')') {
    parser.next();
    return [''];
  }
  if (first.type !== 'identifier' && first.text !== ',') {
    throw failure(`found '${first.text}', expected: ',', ')' or identifier`);
  }
  for (;;) {
    const token = parser.next();
    const following = parser.peek();
    if (token.type === 'identifier') {
      values.add(token.text);
      if (following.text !== ',' && following.text !== ')') {
        throw failure(`found '${following.text}', expected: ',' or ')'`);
      }
    } else if (token.text === ',') {
      if (values.size === 0 || following.text === ')' || following.text === ',') values.add('');
    } else {
      throw failure(`found '${token.text}', expected: ',', or identifier`);
    }
    if (following.text === ')') {
      parser.next();
      return [...values].sort();
    }
  }
}

function parseExactValue(parser: Parser): string {
  const following = parser.peek();
  if (following.type === 'end' || following.text === ',') return '';
  const token = parser.next();
  if (token.type !== 'identifier') throw failure(`found '${token.text}', expected: identifier`);
  return token.text;
}

/** A cursor over tokens. Except where an operator may stand, `in` and `notin` are ordinary words. */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(place: 'word' | 'operator' = 'word'): Token {
    const token = this.#tokens[this.#at] ?? { type: 'end', text: '' };
    const isWord = place === 'word' && (token.text === 'in' || token.text === 'notin');
    return isWord ? { type: 'identifier', text: token.text } : token;
  }

  next(place: 'word' | 'operator' = 'word'): Token {
    const token = this.peek(place);
    this.#at++;
    return token;
  }
}

function failure(message: string, cause?: unknown): KumulusError {
  return new KumulusError('BadRequest', message, { cause });
}
