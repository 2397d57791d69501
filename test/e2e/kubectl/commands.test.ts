/** Every command group of kubectl that needs no machine, in the hands of each kubectl that is here. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { everyKubectl, kubectlFor, refusal } from '../../support/kubectl.ts';
import { signingRequest, web } from './manifests.ts';

describe.each(everyKubectl())('$name', ({ path }) => {
  let cluster: TestCluster;
  let kubectl: TestCluster['kubectl'];
  let dir: string;

  beforeAll(async () => {
    cluster = await startTestCluster({ args: ['--no-node'] });
    const run = kubectlFor(cluster.kubeconfig, path);
    kubectl = (args, options) => run(args, { cwd: cluster.dataDir, ...options });
    dir = join(cluster.dataDir, 'manifests');
    mkdirSync(dir);
    writeFileSync(join(dir, 'web.yaml'), web);
    await kubectl('apply -f manifests/web.yaml');
  });
  afterAll(() => cluster?.remove());

  /** Runs commands in order; each prints what it is paired with. */
  const shows = async (steps: readonly (readonly [command: string, says: string | RegExp])[]) => {
    for (const [command, says] of steps) {
      const printed = await kubectl(command);
      if (typeof says === 'string') expect(printed, `kubectl ${command}`).toContain(says);
      else expect(printed, `kubectl ${command}`).toMatch(says);
    }
  };

  test('create makes every kind that it has a generator for', async () => {
    await kubectl('create namespace made');
    const made = 'create --namespace made';
    await shows([
      [`${made} serviceaccount robot`, 'serviceaccount/robot created'],
      [`${made} configmap settings --from-literal=a=1 --from-literal=b=2`, 'configmap/settings created'],
      [`${made} secret generic password --from-literal=key=value`, 'secret/password created'],
      [
        `${made} secret docker-registry pull --docker-server=registry.test --docker-username=u --docker-password=p`,
        'secret/pull created',
      ],
      [`${made} deployment web --image=web:1 --replicas=2 --port=80`, 'deployment.apps/web created'],
      [`${made} service clusterip inside --tcp=80:8080`, 'service/inside created'],
      [`${made} service nodeport outside --tcp=80`, 'service/outside created'],
      [`${made} service loadbalancer balanced --tcp=80`, 'service/balanced created'],
      [`${made} service externalname elsewhere --external-name example.org`, 'service/elsewhere created'],
      [`${made} job once --image=web:1 -- true`, 'job.batch/once created'],
      [`${made} cronjob often --image=web:1 --schedule='*/5 * * * *' -- true`, 'cronjob.batch/often created'],
      [`${made} job now --from=cronjob/often`, 'job.batch/now created'],
      [
        `${made} ingress web --rule=web.test/*=inside:80 --class=none`,
        'ingress.networking.k8s.io/web created',
      ],
      [`${made} pdb web --selector=app=web --min-available=1`, 'poddisruptionbudget.policy/web created'],
      [`${made} quota small --hard=pods=100,configmaps=10`, 'resourcequota/small created'],
      [
        `${made} role reader --verb=get,list --resource=pods`,
        'role.rbac.authorization.k8s.io/reader created',
      ],
      [
        `${made} rolebinding reader --role=reader --serviceaccount=made:robot`,
        'rolebinding.rbac.authorization.k8s.io/reader created',
      ],
      [
        'create clusterrole nodes-reader --verb=get --resource=nodes',
        'clusterrole.rbac.authorization.k8s.io/nodes-reader created',
      ],
      [
        'create clusterrolebinding nodes-reader --clusterrole=nodes-reader --serviceaccount=made:robot',
        'clusterrolebinding.rbac.authorization.k8s.io/nodes-reader created',
      ],
      [
        'create priorityclass urgent --value=1000 --description=soon',
        'priorityclass.scheduling.k8s.io/urgent created',
      ],
      [`${made} configmap dry --dry-run=server`, 'configmap/dry created (server dry run)'],
      [`${made} token robot`, /^[\w-]+\.[\w-]+\.[\w-]+\s*$/],
    ]);
    expect(await refusal(kubectl('get configmap dry --namespace made'))).toContain('"dry" not found');
    expect(await refusal(kubectl(`${made} configmap settings`))).toContain(
      'configmaps "settings" already exists',
    );
  });

  test('get prints in every format, sorts and selects', async () => {
    await shows([
      ['get deployments', /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\nweb\s+0\/2\s+/],
      ['get deployments -o wide', /CONTAINERS\s+IMAGES\s+SELECTOR\n.*web:1\s+app=web/],
      ['get deployment/web service/web', /deployment\.apps\/web[^]*service\/web/],
      ['get all', /service\/web[^]*deployment\.apps\/web[^]*replicaset\.apps\/web-/],
      ['get deployments -A --show-labels', /NAMESPACE\s+NAME.*LABELS\n(.*\n)*default\s+web.*app=web/],
      ['get deployment web -o name', 'deployment.apps/web\n'],
      ['get deployment web -o jsonpath={.spec.replicas}', '2'],
      ['get deployment web -o go-template={{.metadata.name}}', 'web'],
      ['get deployment web -o custom-columns=NAME:.metadata.name,N:.spec.replicas', /NAME\s+N\nweb\s+2/],
      ['get deployment web -o yaml', 'kind: Deployment'],
      ['get -f manifests/web.yaml -o json', '"kind": "List"'],
      ['get namespaces --sort-by=.metadata.name -o name', /default[^]*kube-node-lease[^]*kube-system/],
      ['get namespaces --field-selector=metadata.name=default -o name', /^namespace\/default\n$/],
      ['get namespaces --chunk-size=2 -o name', 'namespace/kube-public'],
      ['get deployments -l app=web,tier!=x -o name', 'deployment.apps/web'],
      ['get deployments -l app=none', ''],
      ['get --raw /api/v1/namespaces/default', '"name":"default"'],
      ['get deploy,rs,svc -o name', /deployment\.apps\/web[^]*replicaset\.apps\/web-[^]*service\/web/],
    ]);
    expect(await refusal(kubectl('get nothings'))).toContain(
      `error: the server doesn't have a resource type "nothings"`,
    );
  });

  test('describe tells of every kind', async () => {
    await shows([
      ['describe deployment web', /StrategyType:\s+RollingUpdate[^]*NewReplicaSet:\s+web-\w+/],
      ['describe replicasets', /Controlled By:\s+Deployment\/web/],
      ['describe pods -l app=web', /Status:\s+Pending[^]*Controlled By:\s+ReplicaSet\/web-/],
      ['describe service web', /Selector:\s+app=web[^]*IP:\s+10\.96\./],
      ['describe namespace default', /Status:\s+Active/],
      ['describe configmap kube-root-ca.crt', 'BEGIN CERTIFICATE'],
      ['describe serviceaccount default', /Name:\s+default/],
      ['describe clusterrole view', /Resources\s+Non-Resource URLs/],
      ['describe priorityclass system-node-critical', /Value:\s+2000001000/],
    ]);
  });

  test('apply keeps what others set, prunes, and shows what it applied last', async () => {
    await shows([
      ['apply -f manifests/web.yaml', 'deployment.apps/web unchanged'],
      ['diff -f manifests/web.yaml', /^$/],
      ['apply view-last-applied deployment/web', 'image: web:1'],
      ['apply -f manifests/web.yaml --dry-run=server', 'deployment.apps/web unchanged (server dry run)'],
      ['set env deployment/web COLOR=red', 'deployment.apps/web env updated'],
      ['apply -f manifests/web.yaml', 'deployment.apps/web'],
      ['get deployment web -o jsonpath={..env[*].name}', 'COLOR'],
    ]);
    const configMap = (name: string) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { set: 'pruned' } } });
    await kubectl('apply -f -', { input: configMap('first') });
    const pruning = 'apply --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap -f -';
    expect(await kubectl(pruning, { input: configMap('second') })).toContain('configmap/first pruned');
    expect(await refusal(kubectl('get configmap first'))).toContain('"first" not found');
  });

  test('server-side apply owns fields, refuses conflicts by name, and takes over by force', async () => {
    const owned = (value: string) => ({
      input: JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'owned' },
        data: { key: value },
      }),
    });
    expect(await kubectl('apply --server-side --field-manager=one -f -', owned('1'))).toContain(
      'configmap/owned serverside-applied',
    );
    expect(await refusal(kubectl('apply --server-side --field-manager=two -f -', owned('2')))).toMatch(
      /Apply failed with 1 conflict: conflict with "one": \.data\.key/,
    );
    await kubectl('apply --server-side --field-manager=two --force-conflicts -f -', owned('2'));
    await shows([
      ['get configmap owned -o jsonpath={.data.key}', '2'],
      ['get configmap owned --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}', 'two'],
    ]);
  });

  test('edit, patch and replace change what they say', async () => {
    const editor = (script: string) => ({ env: { KUBE_EDITOR: `sed -i ${script}` } });
    expect(await kubectl('edit deployment web', editor('s/replicas:.2/replicas:\\ 3/'))).toContain(
      'deployment.apps/web edited',
    );
    await shows([
      ['get deployment web -o jsonpath={.spec.replicas}', '3'],
      [`patch deployment web -p '{"spec":{"replicas":4}}'`, 'deployment.apps/web patched'],
      [`patch deployment web --type=merge -p '{"spec":{"replicas":2}}'`, 'patched'],
      [
        `patch deployment web --type=json -p '[{"op":"test","path":"/spec/replicas","value":2},{"op":"replace","path":"/spec/replicas","value":3}]'`,
        'patched',
      ],
      [`patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'`, 'patched'],
      ['get deployment web --subresource=scale -o jsonpath={.status.selector}', 'app=web'],
      [`patch deployment web -p '{"spec":{"replicas":2}}'`, 'deployment.apps/web patched (no change)'],
    ]);
    const live = await kubectl('get service web -o json');
    expect(await kubectl('replace -f -', { input: live })).toContain('service/web replaced');
    expect(await kubectl('replace --force --grace-period=0 -f -', { input: live })).toContain(
      'service/web replaced',
    );
  });

  test('label and annotate add, overwrite and remove', async () => {
    await shows([
      ['label service web color=red', 'service/web labeled'],
      ['label services -l color=red color=blue --overwrite', 'service/web labeled'],
      ['label service web color-', 'service/web unlabeled'],
      ['annotate service web note=one', 'service/web annotated'],
      ['annotate service web note-', 'service/web annotated'],
    ]);
    await kubectl('label service web color=red');
    expect(await refusal(kubectl('label service web color=blue'))).toContain(
      "'color' already has a value (red), and --overwrite is false",
    );
  });

  test('scale, autoscale and set', async () => {
    await shows([
      ['scale deployment web --replicas=5', 'deployment.apps/web scaled'],
      ['scale deployment web --current-replicas=5 --replicas=2', 'deployment.apps/web scaled'],
      ['autoscale deployment web --min=1 --max=4', 'horizontalpodautoscaler.autoscaling/web autoscaled'],
      ['get hpa web -o jsonpath={.apiVersion},{.spec.maxReplicas}', 'autoscaling/v2,4'],
      ['get horizontalpodautoscalers.v1.autoscaling web -o jsonpath={.apiVersion}', 'autoscaling/v1'],
      ['describe hpa web', /Min replicas:\s+1/],
      ['set image deployment/web web=web:2', 'deployment.apps/web image updated'],
      ['set resources deployment/web --limits=cpu=200m,memory=64Mi', 'resource requirements updated'],
      ['set serviceaccount deployment/web default', 'serviceaccount updated'],
      ['set selector service/web app=web,tier=front', 'service/web selector updated'],
      ['set env deployment/web --list', 'COLOR=red'],
      ['rollout history deployment/web', 'REVISION'],
      ['rollout pause deployment/web', 'deployment.apps/web paused'],
      ['rollout resume deployment/web', 'deployment.apps/web resumed'],
      ['rollout restart deployment/web', 'deployment.apps/web restarted'],
      ['rollout undo deployment/web', 'deployment.apps/web rolled back'],
    ]);
    expect(await refusal(kubectl('scale deployment web --current-replicas=9 --replicas=1'))).toContain(
      'Expected replicas to be 9, was 2',
    );
  });

  test('expose and run', async () => {
    await shows([
      ['expose deployment web --name=exposed --port=80 --target-port=8080', 'service/exposed exposed'],
      ['get service exposed -o jsonpath={.spec.ports[0].targetPort}', '8080'],
      ['run single --image=web:1 --labels=app=single --env=A=B', 'pod/single created'],
      ['expose pod single --port=80', 'service/single exposed'],
      ['delete pod single --now', 'pod "single" deleted'],
    ]);
  });

  test('wait ends with its condition, or says that it did not come', async () => {
    await kubectl('create configmap waited');
    await shows([
      ['wait deployment/web --for=jsonpath={.spec.replicas}=2 --timeout=180s', 'condition met'],
      ['wait namespace/default --for=jsonpath={.status.phase}=Active', 'condition met'],
    ]);
    const gone = kubectl('wait configmap/waited --for=delete --timeout=180s');
    await kubectl('delete configmap waited');
    await gone;
    expect(await refusal(kubectl('get configmap waited'))).toContain('"waited" not found');
    expect(await refusal(kubectl('wait deployment/web --for=condition=Available --timeout=1s'))).toContain(
      'timed out waiting for the condition on deployments/web',
    );
  });

  test('explain, api-resources, api-versions and cluster-info describe the cluster', async () => {
    await shows([
      ['explain deployment', /GROUP:\s+apps\nKIND:\s+Deployment\nVERSION:\s+v1/],
      ['explain deployment.spec.strategy.rollingUpdate', 'maxSurge'],
      ['explain pods --recursive', 'terminationMessagePolicy'],
      ['explain hpa.spec --api-version=autoscaling/v1', 'targetCPUUtilizationPercentage'],
      ['api-resources', /deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/],
      ['api-resources --namespaced=false -o name', 'persistentvolumes'],
      ['api-resources --api-group=batch --verbs=create', /cronjobs\s+cj[^]*jobs/],
      ['api-versions', /apps\/v1\nauthentication\.k8s\.io\/v1\nauthorization\.k8s\.io\/v1\nautoscaling\/v1/],
      ['cluster-info', 'Kubernetes control plane'],
      ['version', 'Server Version: v1.36.'],
    ]);
    expect(await kubectl('cluster-info dump --namespaces default')).toContain('"kind": "DeploymentList"');
    expect(await refusal(kubectl('explain deployment.spec.nothing'))).toContain('"nothing" does not exist');
  });

  test('auth says who one is and what one may do', async () => {
    await shows([
      ['auth whoami', /Username\s+kubernetes-admin/],
      ['auth can-i create deployments', 'yes'],
      ['auth can-i --list', /Resources\s+Non-Resource URLs\s+Resource Names\s+Verbs/],
      ['auth can-i get pods --as=system:serviceaccount:made:robot --namespace made', 'yes'],
    ]);
    const refused = kubectl('auth can-i delete pods --as=system:serviceaccount:made:robot --namespace made');
    await expect(refused).rejects.toMatchObject({ stdout: 'no\n' });
    const role = JSON.stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'reconciled', namespace: 'default' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    });
    expect(await kubectl('auth reconcile -f -', { input: role })).toContain('reconciled');
  });

  test('certificate approves and denies requests', async () => {
    const pem = await signingRequest('someone');
    const request = (name: string) => ({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: {
        request: Buffer.from(pem).toString('base64'),
        signerName: 'example.org/signer',
        usages: ['client auth'],
      },
    });
    for (const name of ['good', 'bad']) {
      await kubectl('create -f -', { input: JSON.stringify(request(name)) });
    }
    await shows([
      ['certificate approve good', 'certificatesigningrequest.certificates.k8s.io/good approved'],
      ['certificate deny bad', 'certificatesigningrequest.certificates.k8s.io/bad denied'],
      ['get csr', /bad\s+\S+\s+example\.org\/signer\s+kubernetes-admin\s+<none>\s+Denied/],
    ]);
  });

  test('top says that there are no metrics', async () => {
    expect(await refusal(kubectl('top nodes'))).toContain('Metrics API not available');
    expect(await refusal(kubectl('top pods'))).toContain('Metrics API not available');
  });

  test('events shows what happened, newest last', async () => {
    await shows([
      ['events', /LAST SEEN\s+TYPE\s+REASON\s+OBJECT\s+MESSAGE/],
      ['events --for deployment/web', /ScalingReplicaSet\s+Deployment\/web\s+Scaled up replica set web-/],
      ['get events --field-selector involvedObject.kind=Deployment', 'ScalingReplicaSet'],
    ]);
  });

  test('a kustomization is built and applied', async () => {
    const base = join(dir, 'kustomized');
    mkdirSync(base);
    writeFileSync(join(base, 'web.yaml'), web);
    writeFileSync(
      join(base, 'kustomization.yaml'),
      [
        'namePrefix: staging-',
        'resources: [web.yaml]',
        'labels: [{pairs: {stage: staging}, includeSelectors: true}]',
        'configMapGenerator: [{name: settings, literals: [color=green]}]',
      ].join('\n'),
    );
    await shows([
      ['kustomize manifests/kustomized', 'name: staging-web'],
      ['apply -k manifests/kustomized', /configmap\/staging-settings-\w+ created/],
      ['get deployment staging-web -o jsonpath={.spec.selector.matchLabels}', '"stage":"staging"'],
      ['diff -k manifests/kustomized', /^$/],
      ['delete -k manifests/kustomized', 'deployment.apps "staging-web" deleted'],
    ]);
  });

  test('delete takes names, files and selectors, and leaves orphans when told', async () => {
    await shows([
      ['create deployment parent --image=web:1', 'created'],
      ['wait --for=create replicaset -l app=parent --timeout=180s', 'condition met'],
      ['delete deployment parent --cascade=orphan', 'deployment.apps "parent" deleted'],
      ['get replicasets -l app=parent -o name', 'replicaset.apps/parent-'],
      ['delete replicasets -l app=parent', 'deleted'],
      ['delete -f manifests/web.yaml --ignore-not-found', 'deployment.apps "web" deleted'],
      ['delete namespace made', 'namespace "made" deleted'],
    ]);
    expect(await refusal(kubectl('get deployment web'))).toContain('deployments.apps "web" not found');
  });
});
