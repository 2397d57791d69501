import { KumulusError } from '../../errors.ts';

/** One condition on a field: `field=value` or `field!=value`. An absent field has the value ''. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** A parsed field selector: all requirements must hold. Empty: everything matches. */
export type FieldSelector = readonly FieldRequirement[];

/**
 * Reads the `fieldSelector` query parameter; `\,`, `\=` and `\\` stand for the plain character in a value.
 * @throws KumulusError BadRequest in kube-apiserver's words.
 */
export function parseFieldSelector(selector: string | undefined): FieldSelector {
  if (!selector) return [];
  return splitTerms(selector)
    .filter((term) => term !== '')
    .sort()
    .map((term) => {
      const match = /^([^]*?)(!=|==|=)([^]*)$/.exec(term);
      if (!match) {
        throw new KumulusError('BadRequest', `invalid selector: '${selector}'; can't understand '${term}'`);
      }
      const [, field = '', operator, value = ''] = match;
      return { field, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value) };
    });
}

/** `valueOf` gives what a field holds, '' where it is absent. */
export function matchesFields(selector: FieldSelector, valueOf: (field: string) => string): boolean {
  return selector.every(({ field, operator, value }) => (valueOf(field) === value) === (operator === '='));
}

/** The one value that `field` must have for an object to match; undefined when there is none. */
export function exactField(selector: FieldSelector, field: string): string | undefined {
  return selector.find((requirement) => requirement.field === field && requirement.operator === '=')?.value;
}

/** The canonical form, which parses to the same selector. */
export function formatFieldSelector(selector: FieldSelector): string {
  return selector
    .map(({ field, operator, value }) => `${field}${operator}${value.replaceAll(/[\\,=]/g, '\\$&')}`)
    .join(',');
}

/** At commas that no backslash stands before. */
function splitTerms(selector: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < selector.length; at++) {
    if (selector[at] === '\\') {
      at++;
    } else if (selector[at] === ',') {
      terms.push(selector.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(selector.slice(start));
  return terms;
}

function unescapeValue(value: string): string {
  if (!/[\\,=]/.test(value)) return value;
  let plain = '';
  const characters = Array.from(value);
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    if (character === '\\') {
      const escaped = characters[++at] ?? '';
      if (!['\\', ',', '='].includes(escaped)) {
        throw new KumulusError('BadRequest', `invalid field selector: invalid escape sequence: \\${escaped}`);
      }
      plain += escaped;
    } else if (character === ',' || character === '=') {
      // The character's number, not the character, is what kube-apiserver says here.
      throw new KumulusError(
        'BadRequest',
        `invalid field selector: unescaped character in value: ${character.codePointAt(0)}`,
      );
    } else {
      plain += character;
    }
  }
  return plain;
}
