import { readFile, writeFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { runCommand } from '../../lib/process/run.ts';
import { type PodNetwork, writeConflist } from './cni.ts';

const tableName = 'kumulus-pods';

export interface PodNetworkOptions extends PodNetwork {
  cniConfDir: string;
  /** The ranges of all nodes' pods: between pods no address is translated. */
  clusterCidrs: readonly string[];
}

const retryMs = 5_000;

/** Answers a function that takes the node's ranges as they are now, and configures the network when they change. */
export function keepPodNetwork(
  options: Omit<PodNetworkOptions, 'podCidrs'>,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): (podCidrs: readonly string[]) => void {
  let wanted: readonly string[] = [];
  let done = '';
  let working = false;
  async function work(): Promise<void> {
    while (!signal.aborted && done !== wanted.join()) {
      const podCidrs = wanted;
      try {
        await configurePodNetwork({ ...options, podCidrs }, log);
        done = podCidrs.join();
      } catch (error) {
        log.error({ err: messageOf(error) }, "the pods' network could not be configured");
        await pause(clock, retryMs, signal);
      }
    }
  }
  return (podCidrs) => {
    if (podCidrs.length === 0) return;
    wanted = podCidrs;
    if (working) return;
    working = true;
    work()
      .catch((error: unknown) => log.error({ err: error }, "keeping the pods' network failed"))
      .finally(() => {
        working = false;
      });
  };
}

/** Makes the node ready for pods with addresses of these ranges. Idempotent. */
async function configurePodNetwork(options: PodNetworkOptions, log: Logger): Promise<void> {
  await setKernel(log);
  await runCommand('nft', ['-f', '-'], { input: masquerading(options) });
  // Last: from here on the runtime says that its network is ready.
  await writeConflist(options.cniConfDir, options);
}

/** What leaves the cluster goes out under the node's address. One table a family, replaced as a whole. */
export function masquerading({ bridge, podCidrs, clusterCidrs }: PodNetworkOptions): string {
  const families = [
    { family: 'ip', isOf: (cidr: string) => !isIPv6(cidr.split('/')[0] ?? '') },
    { family: 'ip6', isOf: (cidr: string) => isIPv6(cidr.split('/')[0] ?? '') },
  ];
  return families
    .map(({ family, isOf }) => {
      const pods = podCidrs.filter(isOf);
      if (pods.length === 0) return '';
      const cluster = [...new Set([...pods, ...clusterCidrs.filter(isOf)])];
      const multicast = family === 'ip' ? '224.0.0.0/4' : 'ff00::/8';
      const rules = pods.map(
        (pod) =>
          `${family} saddr ${pod} ${family} daddr != { ${[...cluster, multicast].join(', ')} } oifname != "${bridge}" masquerade fully-random`,
      );
      return `table ${family} ${tableName}
delete table ${family} ${tableName}
table ${family} ${tableName} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${rules.join('\n    ')}
  }
}
`;
    })
    .join('');
}

/** Without these, pods reach neither other machines nor Services whose pods are beside them on the bridge. */
const settings: readonly [path: string, module: string | undefined][] = [
  ['/proc/sys/net/ipv4/ip_forward', undefined],
  ['/proc/sys/net/bridge/bridge-nf-call-iptables', 'br_netfilter'],
];

async function setKernel(log: Logger): Promise<void> {
  for (const [path, module] of settings) {
    try {
      await setFlag(path).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT' || !module) throw error;
        await runCommand('modprobe', [module]);
        await setFlag(path);
      });
    } catch (error) {
      log.error({ err: messageOf(error), path }, 'a kernel setting that the pods need could not be made');
    }
  }
}

async function setFlag(path: string): Promise<void> {
  if ((await readFile(path, 'utf8')).trim() !== '1') await writeFile(path, '1');
}
