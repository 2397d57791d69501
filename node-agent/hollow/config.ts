import {
  between,
  type Checks,
  checked,
  dnsName,
  flag,
  level,
  optional,
  readJson,
  stringMap,
} from '../config-check.ts';
import { type ApiServerAccess, apiServerChecks, checkIdentity } from '../api-server.ts';
import type { AgentConfig } from '../config.ts';
import { maxHollowNodes } from './identity.ts';

/**
 * What the agent is told for simulated nodes (`--runtime hollow`), as a JSON file. One process hosts all of them; with
 * more than one node, the client certificate must be allowed to act for each.
 */
export interface HollowConfig extends ApiServerAccess, Pick<AgentConfig, 'logLevel' | 'parentLifeline'> {
  /** Nodes are called `<namePrefix><number>`. */
  namePrefix: string;
  /** Numbers from 1 to this many. */
  count: number;
  /** What each node says it has. */
  capacity: Record<string, string>;
  nodeLabels?: Record<string, string>;
}

/** What each hollow node has where nothing else is said: that of scheduler_perf's nodes, with a disk. */
export const defaultHollowCapacity: Record<string, string> = {
  cpu: '4',
  'ephemeral-storage': '100Gi',
  memory: '32Gi',
  pods: '110',
};

const checks: Checks<HollowConfig> = {
  ...apiServerChecks,
  namePrefix: (value) => dnsName(`${String(value)}1`),
  count: between(1, maxHollowNodes),
  capacity: stringMap,
  nodeLabels: optional(stringMap),
  logLevel: level,
  parentLifeline: flag,
};

/** Reads a configuration; throws `Invalid` with every field that is wrong, and its value. */
export async function readHollowConfig(file: string): Promise<HollowConfig> {
  const config = checked(await readJson(file), checks);
  checkIdentity(config);
  return config;
}
