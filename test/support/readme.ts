/**
 * Runs the console blocks of a Markdown page as a reader would, and compares what comes out with what the page shows.
 * A line `$ command` starts a step (a backslash at its end continues it); the lines up to the next step are its output.
 * In the shown output a line `...` stands for any lines. What differs from run to run (hashes, addresses, ages,
 * ports, times) is made alike on both sides before the comparison.
 */
import { readFileSync } from 'node:fs';

export interface Step {
  command: string;
  shown: string[];
}

/** The steps of all `console` blocks below a heading, up to the next heading of the same or a higher level. */
export function readSteps(file: string, heading: string): Step[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`${file} has no heading ${JSON.stringify(heading)}`);
  const level = heading.indexOf(' ');
  const steps: Step[] = [];
  let inside = false;
  let isContinued = false;
  for (const line of lines.slice(start + 1)) {
    if (!inside && /^#+ /.test(line) && line.indexOf(' ') <= level) break;
    if (line.startsWith('```')) {
      inside = line === '```console';
      continue;
    }
    if (!inside) continue;
    const last = steps.at(-1);
    if (isContinued && last) {
      last.command += `\n${line}`;
      isContinued = line.endsWith('\\');
    } else if (line.startsWith('$ ')) {
      steps.push({ command: line.slice(2), shown: [] });
      isContinued = line.endsWith('\\');
    } else {
      last?.shown.push(line);
    }
  }
  return steps;
}

/** Undefined when the output is what the page shows; else where they part. */
export function difference(shown: readonly string[], output: string): string | undefined {
  const expected = shown.map(alike).filter((line) => line !== '');
  const actual = output
    .split('\n')
    .map(alike)
    .filter((line) => line !== '');
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const line = expected[i];
    if (line === '...') {
      const next = expected[i + 1];
      if (next === undefined) return undefined;
      while (at < actual.length && actual[at] !== next) at++;
      continue;
    }
    if (actual[at] !== line) return `shown:  ${line}\nactual: ${actual[at] ?? '(nothing more)'}`;
    at++;
  }
  return at < actual.length ? `not shown: ${actual[at]}` : undefined;
}

/** Table columns move with the width of what differs, so runs of blanks count as one. */
function alike(line: string): string {
  return line
    .trimEnd()
    .replaceAll(/\b[0-9a-f]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, 'HASH')
    .replaceAll(/\b\d+\.\d+\.\d+\.\d+\b/g, 'ADDRESS')
    .replaceAll(/\b3[0-2]\d{3}\b/g, 'PORT')
    .replaceAll(/\b(\d+d)?(\d+h)?(\d+m)?\d+s\b|\b\d+(\.\d+)? ?s\b/g, 'AGE')
    .replaceAll(/\s+/g, ' ');
}
