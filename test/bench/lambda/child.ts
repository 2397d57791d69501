/** One cold function: loads a bundle, answers one event, then as many as it is told, and prints what that took. */
import { pathToFileURL } from 'node:url';

const [bundle = '', eventJson = '', warmCount = '0'] = process.argv.slice(2);
const event = JSON.parse(eventJson) as unknown;
// Metrics go to the log on AWS; here the figures alone are wanted.
const print = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;

let requests = 0;
const context = () => ({
  awsRequestId: String(++requests),
  functionName: 'bench',
  getRemainingTimeInMillis: () => 60_000,
});

const startedAt = performance.now();
const cpuAtStart = process.cpuUsage();
const { handler } = (await import(pathToFileURL(bundle).href)) as {
  handler: (event: unknown, context: unknown) => Promise<{ statusCode?: number }>;
};
const first = await handler(event, context());
const coldMs = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpuAtStart);
if (first?.statusCode !== undefined && first.statusCode !== 200) throw new Error(JSON.stringify(first));
const warmMs: number[] = [];
let halfwayBytes = 0;
for (let i = 0; i < Number(warmCount); i++) {
  if (i === Number(warmCount) / 2) halfwayBytes = process.memoryUsage().rss;
  const at = performance.now();
  await handler(event, context());
  warmMs.push(performance.now() - at);
}
const residentBytes = process.memoryUsage().rss;
print(
  `${JSON.stringify({ coldMs, coldCpuMs: (user + system) / 1000, warmMs, halfwayBytes, residentBytes })}\n`,
);
process.exit(0);
