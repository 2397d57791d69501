/**
 * `npm run conformance [-- --json]`: runs the conformance tests and sets them against the 462 behaviours of the published
 * suite (`behaviours.json`). A test covers the behaviour whose name is its title.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

type State = 'passing' | 'failing' | 'notCovered';
interface Behaviour {
  name: string;
  area: string;
  shows: string;
}
interface Counts {
  passing: number;
  failing: number;
  notCovered: number;
}

const root = join(import.meta.dirname, '..', '..');
const { values } = parseArgs({ options: { json: { type: 'boolean' } } });
const behaviours = JSON.parse(
  readFileSync(join(import.meta.dirname, 'behaviours.json'), 'utf8'),
) as Behaviour[];
const results = await runTests();

const unknown = [...results.keys()].filter((title) => !behaviours.some(({ name }) => name === title));
const tests = behaviours.map(({ name, area }) => ({
  name,
  area,
  state: results.get(name) ?? ('notCovered' as State),
}));
const areas: Record<string, Counts> = {};
for (const { area, state } of tests) {
  areas[area] ??= { passing: 0, failing: 0, notCovered: 0 };
  areas[area][state]++;
}
const sum = (state: State) => tests.filter((test) => test.state === state).length;
const total = { passing: sum('passing'), failing: sum('failing'), notCovered: sum('notCovered') };

if (values.json) console.log(JSON.stringify({ total: tests.length, ...total, areas, tests }));
else printTable();
for (const title of unknown) console.error(`kumulus: ${JSON.stringify(title)} is the name of no behaviour`);
if (total.failing > 0 || unknown.length > 0) process.exitCode = 1;

/** The state of each test that ran, by its title. */
async function runTests(): Promise<Map<string, State>> {
  const work = mkdtempSync(join(tmpdir(), 'kumulus-conformance-'));
  try {
    const file = join(work, 'results.json');
    await vitest([
      'run',
      '--project',
      'conformance',
      '--passWithNoTests',
      '--reporter=json',
      `--outputFile=${file}`,
    ]);
    const report = JSON.parse(readFileSync(file, 'utf8')) as {
      testResults: { assertionResults: { title: string; status: string }[] }[];
    };
    return new Map(
      report.testResults
        .flatMap(({ assertionResults }) => assertionResults)
        .filter(({ status }) => status === 'passed' || status === 'failed')
        // Where two tests show one behaviour, the last in the map counts: one that failed.
        .sort((a, b) => Number(a.status === 'failed') - Number(b.status === 'failed'))
        .map(({ title, status }) => [title, status === 'passed' ? 'passing' : 'failing']),
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Its exit code says no more than the report does. */
function vitest(args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const program = join(root, 'node_modules/vitest/vitest.mjs');
    const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
    child.on('error', reject);
    child.on('exit', () => resolve());
  });
}

function printTable(): void {
  const rows = [
    ['area', 'passing', 'failing', 'not covered'],
    ...Object.entries(areas).map(([area, counts]) => [area, ...cells(counts)]),
    [`total of ${tests.length}`, ...cells(total)],
  ];
  for (const [area = '', ...figures] of rows) {
    console.log([area.padEnd(34), ...figures.map((figure) => figure.padStart(12))].join(''));
  }
  for (const { name, state } of tests) if (state === 'failing') console.log(`failing: ${name}`);
  for (const [area, { notCovered }] of Object.entries(areas)) {
    if (notCovered === 0) continue;
    console.log(`\nnot covered, ${area}:`);
    for (const test of tests) {
      if (test.area === area && test.state === 'notCovered') console.log(`  ${test.name}`);
    }
  }
}

function cells({ passing, failing, notCovered }: Counts): string[] {
  return [passing, failing, notCovered].map(String);
}
