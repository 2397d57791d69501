import type { BenchResult } from '../result.ts';
import { decisionMicroseconds } from './decisions.ts';
import { coldStart } from './large-cluster.ts';
import { throughput } from './throughput.ts';
import { workloads } from './workloads.ts';

const largeCluster = { nodes: 5_000, pods: 150_000 };
const mebibyte = 1024 * 1024;

/**
 * The workloads of upstream's scheduler_perf: pods a second through the real API server and store in one process, and
 * the decision alone; then a start on a cluster of the largest size that upstream supports. With KUMULUS_BENCH_SCALE below 1 the
 * clusters are that much smaller; KUMULUS_BENCH_ONLY names one workload (`cold start` the last).
 */
export async function run(): Promise<BenchResult[]> {
  const scale = Number(process.env['KUMULUS_BENCH_SCALE'] ?? 1);
  const only = process.env['KUMULUS_BENCH_ONLY'];
  const results: BenchResult[] = [];
  const decisions: BenchResult[] = [];
  for (const workload of workloads) {
    if (only && workload.name !== only) continue;
    const { podsPerSecond: value, cpuMicroseconds } = await throughput(workload, scale);
    results.push({
      name: `${workload.name}, ${workload.nodes * scale} nodes`,
      value: Math.round(value),
      unit: 'pods/s',
      target: `>= ${workload.target}`,
      peer: { name: "kube-scheduler's own threshold", value: workload.upstreamThreshold },
      ratio: Math.round((value / workload.upstreamThreshold) * 100) / 100,
    });
    results.push({
      name: `${workload.name}, CPU time of all parts`,
      value: Math.round(cpuMicroseconds),
      unit: 'us/pod',
    });
    decisions.push({
      name: `${workload.name}, decision alone`,
      value: Math.round(decisionMicroseconds(workload, scale)),
      unit: 'us/pod',
    });
  }
  results.push(...decisions);
  if (!only || only === 'cold start') {
    const pods = Math.round(largeCluster.pods * scale);
    const nodes = Math.round(largeCluster.nodes * scale);
    const { readyMs, heapBytes, rssBytes } = await coldStart(nodes, pods);
    const what = `${nodes} nodes, ${pods} pods`;
    results.push(
      { name: `cold start, ${what}`, value: Math.round(readyMs), unit: 'ms' },
      { name: `memory in use, ${what}`, value: Math.round(heapBytes / mebibyte), unit: 'MiB' },
      { name: `resident memory, ${what}`, value: Math.round(rssBytes / mebibyte), unit: 'MiB' },
    );
  }
  return results;
}
