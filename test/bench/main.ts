/**
 * `npm run bench -- [name ...] [--json]`: figures of the parts that can run here, each beside its target and, where one was
 * measured in the same run, its peer. `--json` prints one document and nothing else on standard output.
 */
import { existsSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../lib/errors.ts';
import type { BenchResult } from './result.ts';

const names = ['store', 'watch', 'api', 'scheduler', 'controllers', 'node', 'lambda', 'startup'];

const { values, positionals } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true });
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`kumulus: no benchmark ${unknown.join(', ')}. There are: ${names.join(', ')}`);
  process.exit(2);
}
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
};
const chosen = positionals.length > 0 ? positionals : names.filter(isThere);
const documents: { bench: string; machine: typeof machine; results: BenchResult[] }[] = [];
for (const bench of chosen) {
  if (!isThere(bench)) {
    console.error(`kumulus: the benchmark ${bench} is not there yet`);
    process.exitCode = 1;
    continue;
  }
  try {
    const { run } = (await import(fileOf(bench))) as { run: () => Promise<BenchResult[]> };
    const results = await run();
    if (values.json) documents.push({ bench, machine, results });
    else console.log(table(bench, results));
  } catch (error) {
    console.error(`kumulus: the benchmark ${bench} failed: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}
if (values.json) console.log(JSON.stringify(documents.length === 1 ? documents[0] : documents));

function fileOf(bench: string): string {
  return join(import.meta.dirname, bench, 'index.ts');
}

function isThere(bench: string): boolean {
  return existsSync(fileOf(bench));
}

function table(bench: string, results: readonly BenchResult[]): string {
  const rows = [
    [bench, 'value', 'target', 'peer', 'ratio'],
    ...results.map(({ name, value, unit, target, peer, ratio }) => [
      name,
      `${format(value)} ${unit}`,
      target === undefined ? '' : String(target),
      peer ? `${format(peer.value)} ${unit} (${peer.name})` : '',
      ratio === undefined ? '' : `${ratio.toFixed(2)}x`,
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}
