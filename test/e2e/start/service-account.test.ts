import { existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startTestCluster } from '../../support/cluster.ts';
import { kumulus } from '../../support/hello.ts';
import { kubectlFor } from '../../support/kubectl.ts';

const work = mkdtempSync(join(tmpdir(), 'kumulus-account-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('a kubeconfig of a service account may what its roles say; keys change without a break', async () => {
  const cluster = await startTestCluster({ args: ['--no-node'] });
  try {
    const file = join(work, 'deployer');
    const make = (account: string, output: string) =>
      kumulus(['kubeconfig', '--data-dir', cluster.dataDir, '--service-account', account, '-o', output]);
    await expect(make('default/deployer', file)).rejects.toThrow(
      'there is no service account default/deployer. Make it: kubectl create serviceaccount deployer --namespace default',
    );
    expect(existsSync(file)).toBe(false);
    await cluster.kubectl('create serviceaccount deployer');
    await cluster.kubectl('create rolebinding deployer --clusterrole=edit --serviceaccount=default:deployer');
    await make('default/deployer', file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const deployer = kubectlFor(file);
    expect(await deployer('auth whoami -o jsonpath={.status.userInfo.username}')).toBe(
      'system:serviceaccount:default:deployer',
    );
    // Its namespace stands in the file.
    await deployer('create configmap made --from-literal=a=b');
    await expect(deployer('get secrets -n kube-system')).rejects.toThrow('Forbidden');

    const key = (name: string) => join(cluster.dataDir, 'pki', name);
    await cluster.stop();
    renameSync(key('service-account.key'), key('service-account-old.key'));
    await cluster.start();
    expect(await deployer('get configmap made -o name')).toBe('configmap/made\n');
    const later = join(work, 'later');
    await make('default/deployer', later);
    await cluster.stop();
    rmSync(key('service-account-old.key'));
    await cluster.start();
    await expect(deployer('get configmap made')).rejects.toThrow('Unauthorized');
    expect(await kubectlFor(later)('get configmap made -o name')).toBe('configmap/made\n');

    await cluster.stop();
    await expect(make('default/deployer', file)).rejects.toThrow(
      /nobody answers at https:\/\/127\.0\.0\.1:\d+\. Start the cluster first: npm start/,
    );
  } finally {
    await cluster.remove();
  }
});

test('what is no account, or too short a time, is refused', async () => {
  const refused = (...args: string[]) => expect(kumulus(['kubeconfig', ...args])).rejects;
  await refused('--service-account', 'deployer').toThrow('must be NAMESPACE/NAME, such as default/deployer.');
  await refused('--service-account', 'a/b', '--duration', '5m').toThrow('must be ten minutes (10m) or more.');
  await refused('--service-account', 'a/b', '--data-dir', join(work, 'none')).toThrow(
    'no such file. Start the cluster first: npm start',
  );
});
