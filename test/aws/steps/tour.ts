/** The README's way through a cluster, with kubectl and real containers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runCommand } from '../../../lib/process/run.ts';
import { startStackNodes } from '../../support/aws/nodes.ts';
import { kubectlFor, refusal } from '../../support/kubectl.ts';
import { cluster, soon, started, step } from './cluster.ts';

const root = join(import.meta.dirname, '../../..');

export function tour(): void {
  step('is there after bootstrap and deploy, for whoever may assume its role', async () => {
    const namespaces = await cluster().kubectl('get namespaces -o name');
    expect(namespaces.trim().split('\n').sort()).toEqual([
      'namespace/default',
      'namespace/kube-node-lease',
      'namespace/kube-public',
      'namespace/kube-system',
    ]);
    expect(await cluster().kubectl('auth whoami -o jsonpath={.status.userInfo.groups}')).toContain(
      'system:masters',
    );
  });

  step('is the same for a client that has looked at it before', async () => {
    const types = () => cluster().kubectl('api-resources -o name');
    const first = (await types()).split('\n').sort();
    expect(first).toContain('deployments.apps');
    expect((await types()).split('\n').sort()).toEqual(first);
  });

  step('keeps out who has no access entry, and who has no token', async () => {
    const own = join(cluster().dir, 'own-identity');
    writeFileSync(own, await cluster().kumulus(['kubeconfig', '--stack', cluster().name, '--own-identity']));
    const stranger = await refusal(kubectlFor(own)('get namespaces'));
    expect(stranger).toMatch(/Unauthorized|must be logged in|provide credentials/);
    const answer = await fetch(`${cluster().server}/api/v1/namespaces`);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ kind: 'Status', reason: 'Unauthorized' });
  });

  step('gives every namespace what controllers give it, driven by the table’s stream', async () => {
    await cluster().kubectl('create namespace shop');
    await soon('its service account', () => cluster().kubectl('get serviceaccount default -n shop'));
    await soon('its root certificate', () => cluster().kubectl('get configmap kube-root-ca.crt -n shop'));
  });

  step('is joined by a machine, which is known by its IAM role alone', async () => {
    started.nodes = await startStackNodes(cluster());
    expect(await cluster().kubectl('get nodes --no-headers')).toMatch(/^node-1\s+Ready\s/);
    const image = join(cluster().dir, 'hello.tar');
    await runCommand('sh', [join(root, 'examples/hello/build.sh'), '1.0', image]);
    await started.nodes.loadImage(image);
  });

  step('runs the containers of a Deployment', async () => {
    await cluster().kubectl(`apply -n shop -f ${join(root, 'examples/hello/hello.yaml')}`);
    const status = await cluster().kubectl('rollout status deployment/hello -n shop --timeout=240s', {
      timeoutMs: 250_000,
    });
    expect(status).toContain('successfully rolled out');
    const phases = await cluster().kubectl('get pods -n shop -o jsonpath={.items[*].status.phase}');
    expect(phases.trim().split(' ')).toEqual(['Running', 'Running']);
  });

  step('gives it a name in the cluster, and a port of each node', async () => {
    const { kubectl } = cluster();
    await kubectl('expose deployment hello -n shop --port 80 --target-port http');
    await kubectl(
      'run caller -n shop --image=hello:1.0 --restart=Never --command -- wget -qO- http://hello.shop.svc.cluster.local',
    );
    await kubectl('wait pod/caller -n shop --for=jsonpath={.status.phase}=Succeeded --timeout=240s', {
      timeoutMs: 250_000,
    });
    expect(await kubectl('logs caller -n shop')).toMatch(/^hello 1\.0 from hello-/);
    await kubectl(
      'expose deployment hello -n shop --name hello-outside --type NodePort --port 80 --target-port http',
    );
    const port = await kubectl('get service hello-outside -n shop -o jsonpath={.spec.ports[0].nodePort}');
    const url = `http://${started.nodes?.nodes[0]?.ip}:${port}`;
    const answer = await soon('an answer at the port', async () => (await fetch(url)).text());
    expect(answer).toMatch(/^hello 1\.0 from hello-/);
  });

  step('updates it, and goes back', async () => {
    const { kubectl, dir } = cluster();
    const image = join(dir, 'hello-2.tar');
    await runCommand('sh', [join(root, 'examples/hello/build.sh'), '2.0', image]);
    await started.nodes?.loadImage(image);
    const rollout = () =>
      kubectl('rollout status deployment/hello -n shop --timeout=240s', { timeoutMs: 250_000 });
    await kubectl('set image deployment/hello web=hello:2.0 -n shop');
    expect(await rollout()).toContain('successfully rolled out');
    expect(await kubectl('rollout history deployment/hello -n shop')).toMatch(/^1 .*\n2 /m);
    await kubectl('rollout undo deployment/hello -n shop');
    expect(await rollout()).toContain('successfully rolled out');
    const images = await kubectl('get pods -n shop -l app=hello -o jsonpath={..spec.containers[0].image}');
    expect(images).toContain('hello:1.0');
  });

  step('shows what they print', async () => {
    await cluster().kubectl(
      'run greeter -n shop --image=hello:1.0 --restart=Never --command -- echo hello from afar',
    );
    await cluster().kubectl(
      'wait pod/greeter -n shop --for=jsonpath={.status.phase}=Succeeded --timeout=240s',
      {
        timeoutMs: 250_000,
      },
    );
    expect(await cluster().kubectl('logs greeter -n shop')).toBe('hello from afar\n');
  });

  step('says what exec needs', async () => {
    expect(await refusal(cluster().kubectl('exec -n shop deployment/hello -- hostname'))).toContain('Edge');
  });

  step('a watch goes on over the ends of each answer, and misses nothing', async () => {
    const [waited] = await Promise.all([
      cluster().kubectl(
        'wait deployment/hello -n shop --for=jsonpath={.status.readyReplicas}=4 --timeout=240s',
        {
          timeoutMs: 250_000,
        },
      ),
      cluster().kubectl('scale deployment hello -n shop --replicas=4'),
    ]);
    expect(waited).toContain('condition met');
  });

  step('deletes a namespace with all that is in it', async () => {
    await cluster().kubectl('delete namespace shop --timeout=240s', { timeoutMs: 250_000 });
    const left = await refusal(cluster().kubectl('get namespace shop'));
    expect(left).toContain('not found');
  });
}
