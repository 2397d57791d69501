import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../lib/log.ts';
import { runCommand } from '../../../../lib/process/run.ts';
import { FlowCleaner, staleFlows } from '../../../../node-agent/proxy/conntrack.ts';

const flows = (endpointIps: string[], nodePort = 0) => ({
  addresses: ['10.96.0.10'],
  port: 53,
  nodePort,
  endpointIps,
});

describe('stale UDP flows', () => {
  it('are those to endpoints that are gone, by clusterIP and NodePort', () => {
    const common = ['-D', '-f', 'ipv4', '-p', 'udp'];
    expect(staleFlows('ip', [flows(['10.0.0.1', '10.0.0.2'], 30053)], [flows(['10.0.0.2'], 30053)])).toEqual([
      [...common, '--orig-dst', '10.96.0.10', '--orig-port-dst', '53', '--dst-nat', '10.0.0.1'],
      [...common, '--orig-port-dst', '30053', '--dst-nat', '10.0.0.1'],
    ]);
    expect(staleFlows('ip', [flows(['10.0.0.1'])], [])).toHaveLength(1);
    expect(staleFlows('ip', [flows(['10.0.0.1'])], [flows(['10.0.0.1'])])).toEqual([]);
  });

  it('are all flows of a port that had no endpoint before', () => {
    expect(staleFlows('ip', [flows([])], [flows(['10.0.0.1'])])).toEqual([
      ['-D', '-f', 'ipv4', '-p', 'udp', '--orig-dst', '10.96.0.10', '--orig-port-dst', '53'],
    ]);
  });

  it('are left to time out where the tool is not installed', async () => {
    let calls = 0;
    const cleaner = new FlowCleaner(async (_file, args, options) => {
      calls++;
      return await runCommand('/nonexistent/conntrack', args, options);
    }, silentLogger);
    await cleaner.clean([['-D'], ['-D']], AbortSignal.timeout(5000));
    expect(calls).toBe(1);
  });
});
