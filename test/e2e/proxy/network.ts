import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type RunOptions, runCommand } from '../../../lib/process/run.ts';

/** A node with a bridge for pods and a machine outside, each in a network namespace of its own. */
export interface TestNetwork {
  nodeIp: string;
  outsideIp: string;
  podCidr: string;
  /** Runs a command inside the node's namespace. */
  onNode: typeof runCommand;
  addPod(ip: string): Promise<Place>;
  node: Place;
  outside: Place;
  remove(): Promise<void>;
}

/** A network namespace in which programs run. */
export interface Place {
  namespace: string;
  run: typeof runCommand;
  /** Starts a long-running program of `programs/`; resolves once it has printed `ready`. */
  start(program: string, ...args: string[]): Promise<RunningProgram>;
  /** Runs a program of `programs/` to its end and parses the JSON document that it prints. */
  ask<T>(program: string, ...args: string[]): Promise<T>;
}

export interface RunningProgram {
  /** Sends one line, resolves with the next line that it prints. */
  tell(line: string): Promise<string>;
  stop(): Promise<void>;
}

const programs = join(import.meta.dirname, 'programs');
let counter = 0;

export async function createNetwork(): Promise<TestNetwork> {
  const id = `kt${process.pid.toString(36)}${(counter++).toString(36)}`;
  const namespaces: string[] = [];
  const running = new Set<RunningProgram>();
  const ip = (...args: string[]) => runCommand('ip', args);
  const add = async (name: string): Promise<Place> => {
    const namespace = `${id}-${name}`;
    await ip('netns', 'add', namespace);
    namespaces.push(namespace);
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return place(namespace, running);
  };
  const node = await add('node');
  const outside = await add('out');
  await ip(
    'link',
    'add',
    'ext0',
    'netns',
    node.namespace,
    'type',
    'veth',
    'peer',
    'name',
    'ext0',
    'netns',
    outside.namespace,
  );
  for (const [namespace, address] of [
    [node.namespace, '192.0.2.1/24'],
    [outside.namespace, '192.0.2.2/24'],
  ] as const) {
    await ip('-n', namespace, 'addr', 'add', address, 'dev', 'ext0');
    await ip('-n', namespace, 'link', 'set', 'ext0', 'up');
  }
  await ip('-n', outside.namespace, 'route', 'add', 'default', 'via', '192.0.2.1');
  await ip('-n', node.namespace, 'route', 'add', 'default', 'via', '192.0.2.2');
  await ip('-n', node.namespace, 'link', 'add', 'cni0', 'type', 'bridge');
  await ip('-n', node.namespace, 'addr', 'add', '10.244.0.1/24', 'dev', 'cni0');
  await ip('-n', node.namespace, 'link', 'set', 'cni0', 'up');
  await node.run('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  return {
    nodeIp: '192.0.2.1',
    outsideIp: '192.0.2.2',
    podCidr: '10.244.0.0/24',
    onNode: node.run,
    node,
    outside,
    addPod: async (address) => {
      const pod = await add(`pod${namespaces.length}`);
      const port = `v${namespaces.length}`;
      await ip(
        'link',
        'add',
        port,
        'netns',
        node.namespace,
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'netns',
        pod.namespace,
      );
      await ip('-n', node.namespace, 'link', 'set', port, 'master', 'cni0', 'up');
      // As the CNI plugin does with hairpinMode: a pod that comes back to itself leaves by the port it came in.
      await ip('-n', node.namespace, 'link', 'set', port, 'type', 'bridge_slave', 'hairpin', 'on');
      await ip('-n', pod.namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      await ip('-n', pod.namespace, 'link', 'set', 'eth0', 'up');
      await ip('-n', pod.namespace, 'route', 'add', 'default', 'via', '10.244.0.1');
      return pod;
    },
    remove: async () => {
      for (const program of running) await program.stop();
      for (const namespace of namespaces) await ip('netns', 'del', namespace);
    },
  };
}

function place(namespace: string, running: Set<RunningProgram>): Place {
  // Not `ip netns exec`, which mounts another /sys.
  const enter = ['--net', `/run/netns/${namespace}`].join('=');
  const run = (file: string, args: readonly string[], options?: RunOptions) =>
    runCommand('nsenter', [enter, file, ...args], options);
  return {
    namespace,
    run,
    start: async (program, ...args) => {
      const child = spawn('nsenter', [enter, process.execPath, join(programs, program), ...args], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const handle = await control(child);
      running.add(handle);
      return {
        tell: handle.tell,
        stop: async () => {
          running.delete(handle);
          await handle.stop();
        },
      };
    },
    ask: async <T>(program: string, ...args: string[]) =>
      JSON.parse(await run(process.execPath, [join(programs, program), ...args])) as T,
  };
}

async function control(child: ChildProcess): Promise<RunningProgram> {
  if (!child.stdin || !child.stdout) throw new Error('no pipes');
  const { stdin } = child;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const line = await lines.next();
    if (line.done) throw new Error('the program has ended');
    return line.value;
  };
  if ((await next()) !== 'ready') throw new Error('the program did not get ready');
  return {
    tell: (line) => {
      stdin.write(`${line}\n`);
      return next();
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
