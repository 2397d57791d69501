/** From text to syntax tree, and from what is wrong with either to the messages of the API. */
import { parse as parseText } from '@bufbuild/cel';
import type { Expr } from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';
import { hideOptionalSyntax, type OptionalSyntax } from './optional-syntax.ts';

export interface Parsed {
  source: string;
  expr: Expr;
  /** Where an expression begins, by its id: characters from the start of the source. */
  positions: Readonly<Record<string, number>>;
  optional: OptionalSyntax;
}

export interface Issue {
  /** Characters from the start of the source. */
  offset: number;
  message: string;
}

/** cel-go's limit, which no expression meets that anyone has written. */
const maxDepth = 250;
const maxCharacters = 100_000;

export function parse(source: string): Parsed | Issue {
  if (source.length > maxCharacters) {
    const message = `expression code point size exceeds limit: size: ${source.length}, limit ${maxCharacters}`;
    return { offset: 0, message };
  }
  const { text, optional } = hideOptionalSyntax(source);
  const tooDeep = { offset: 0, message: `expression recursion limit exceeded: ${maxDepth}` };
  if (depthOf(text) > maxDepth) return tooDeep;
  try {
    const { expr, sourceInfo } = parseText(text);
    if (!expr) return { offset: 0, message: 'Syntax error: the expression is empty' };
    return { source, expr, positions: sourceInfo?.positions ?? {}, optional };
  } catch (error) {
    if (error instanceof RangeError) return tooDeep;
    const { message, location } = error as { message: string; location?: { start: { offset: number } } };
    // `<input>:1:3: found …`: where it is stands in the message already.
    const plain = message.replace(/^<input>:\d+:\d+: /, '');
    return { offset: location?.start.offset ?? 0, message: `Syntax error: ${plain}` };
  }
}

export function isIssue(result: Parsed | Issue): result is Issue {
  return 'message' in result;
}

/** How deep brackets nest, strings not looked into: an upper bound is good enough. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if ('([{'.includes(character)) deepest = Math.max(deepest, ++depth);
    else if (')]}'.includes(character)) depth--;
  }
  return deepest;
}

/** As cel-go shows it: the place, the line, and a mark below the place. */
export function issuesText(source: string, issues: readonly Issue[]): string {
  return [...issues]
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, message }) => {
      const before = source.slice(0, offset).split('\n');
      const column = before.at(-1)?.length ?? 0;
      const line = source.split('\n')[before.length - 1] ?? '';
      return `ERROR: <input>:${before.length}:${column + 1}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`;
    })
    .join('\n');
}
