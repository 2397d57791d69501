/** A unified diff of two values' JSON, as the API shows what an update would have changed. Without file headers. */
export function diffOf(before: unknown, after: unknown): string {
  const a = JSON.stringify(sorted(before), undefined, 1).split('\n');
  const b = JSON.stringify(sorted(after), undefined, 1).split('\n');
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const middle = changes(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const lines = [
    ...a.slice(0, start).map((text) => ` ${text}`),
    ...middle,
    ...a.slice(a.length - end).map((text) => ` ${text}`),
  ];
  return hunks(lines);
}

const context = 3;

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** Beyond this many pairs of lines the whole is shown as replaced: a diff is worth no stall. */
const maxPairs = 1_000_000;

/** Lines with their marks, by the longest common subsequence. */
function changes(a: readonly string[], b: readonly string[]): string[] {
  if (a.length * b.length > maxPairs) return [...a.map((text) => `-${text}`), ...b.map((text) => `+${text}`)];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(` ${a[i++]}`);
      j++;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) lines.push(`-${a[i++]}`);
    else lines.push(`+${b[j++]}`);
  }
  return lines;
}

function hunks(lines: readonly string[]): string {
  const changed = lines.flatMap((line, index) => (line.startsWith(' ') ? [] : [index]));
  const ranges: [from: number, to: number][] = [];
  for (const index of changed) {
    const last = ranges.at(-1);
    const from = Math.max(0, index - context);
    const to = Math.min(lines.length, index + context + 1);
    if (last && from <= last[1]) last[1] = to;
    else ranges.push([from, to]);
  }
  return ranges.map(([from, to]) => hunk(lines, from, to)).join('');
}

function hunk(lines: readonly string[], from: number, to: number): string {
  const count = (part: readonly string[], mark: string) =>
    part.filter((line) => !line.startsWith(mark)).length;
  const before = lines.slice(0, from);
  const part = lines.slice(from, to);
  const range = (mark: string) => {
    const length = count(part, mark);
    const start = count(before, mark) + (length === 0 ? 0 : 1);
    return length === 1 ? `${start}` : `${start},${length}`;
  };
  return `@@ -${range('+')} +${range('-')} @@\n${part.join('\n')}\n`;
}
