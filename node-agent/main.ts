/** The node agent: `node node-agent/main.ts --config FILE.json [--runtime hollow]`. */
import { parseArgs } from 'node:util';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { createLogger, type LogLevel } from '../lib/log.ts';
import { type AgentEnvironment, runAgent } from './agent.ts';
import { readConfig } from './config.ts';
import { readHollowConfig } from './hollow/config.ts';
import { hollowRuntime } from './hollow/identity.ts';
import { runHollowNodes } from './hollow/index.ts';

const { values } = parseArgs({ options: { config: { type: 'string' }, runtime: { type: 'string' } } });
if (!values.config) fail('--config: Required value: the path of the configuration file');
const { config, run } = await load(values.config, values.runtime).catch((error: unknown) =>
  fail(messageOf(error)),
);
const log = createLogger('node-agent', config.logLevel as LogLevel);

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    log.info({ signal }, 'stopping; the containers keep running');
    stop.abort(new Error(`stopped by ${signal}`));
  });
}
if (config.parentLifeline) {
  // Whoever started the agent holds the other end. At once: the next agent may be on its way already.
  process.stdin.resume();
  process.stdin.once('end', () => process.exit(0));
  process.stdin.once('error', () => process.exit(0));
}

try {
  await run({ clock: systemClock, random: Math.random, log, signal: stop.signal });
  process.exit(0);
} catch (error) {
  if (stop.signal.aborted) process.exit(0);
  log.fatal({ err: error }, messageOf(error));
  process.exit(1);
}

/** Real containers through CRI, where the configuration says; or none at all: `hollow`. */
async function load(file: string, runtime: string | undefined) {
  if (runtime !== undefined && runtime !== hollowRuntime)
    fail(`--runtime: Invalid value: "${runtime}": must be ${hollowRuntime}, or absent`);
  if (runtime === hollowRuntime) {
    const config = await readHollowConfig(file);
    return { config, run: (environment: AgentEnvironment) => runHollowNodes(config, environment) };
  }
  const config = await readConfig(file);
  return { config, run: (environment: AgentEnvironment) => runAgent(config, environment) };
}

function fail(message: string): never {
  process.stderr.write(`node-agent: ${message}\n`);
  process.exit(2);
}
