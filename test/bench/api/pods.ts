import type { Call } from './connection.ts';

/** A pod as a small service's would be: about 1.2 KB as it is sent, 3 KB as it is stored. */
export function pod(name: string, namespace: string, revision = '1') {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { app: 'web', tier: name.endsWith('0') ? 'front' : 'back', 'app.kubernetes.io/name': 'web' },
      annotations: { 'bench/revision': revision },
    },
    spec: {
      containers: [
        {
          name: 'web',
          image: 'registry.example.com/team/web:1.2.3',
          args: ['--listen=:8080', '--log-level=info'],
          env: [
            { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'MODE', value: 'production' },
          ],
          ports: [{ name: 'http', containerPort: 8080 }],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
          readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 5 },
          volumeMounts: [{ name: 'config', mountPath: '/etc/web' }],
        },
      ],
      volumes: [{ name: 'config', configMap: { name: 'web' } }],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    },
  };
}

const json = { 'content-type': 'application/json' };

export function path(namespace: string, name = ''): string {
  return `/api/v1/namespaces/${namespace}/pods${name && `/${name}`}`;
}

export function create(namespace: string, name: string): Call {
  return { method: 'POST', path: path(namespace), headers: json, body: JSON.stringify(pod(name, namespace)) };
}

export function get(namespace: string, name: string): Call {
  return { method: 'GET', path: path(namespace, name) };
}

/** `stored` as it was read: what the server has filled in is sent back, the revision is not. */
export function update(stored: StoredPod, revision: number): Call {
  const { resourceVersion: _, ...metadata } = stored.metadata;
  const { namespace = '', name = '' } = metadata;
  const annotations = { 'bench/revision': `u${revision}` };
  const body = JSON.stringify({ ...stored, metadata: { ...metadata, annotations } });
  return { method: 'PUT', path: path(namespace, name), headers: json, body };
}

export function patch(kind: 'merge' | 'strategic-merge', namespace: string, name: string, revision: number) {
  return {
    method: 'PATCH',
    path: path(namespace, name),
    headers: { 'content-type': `application/${kind}-patch+json` },
    body: `{"metadata":{"annotations":{"bench/revision":"p${revision}"}}}`,
  };
}

/** The whole manifest, as `kubectl apply --server-side` sends it. */
export function apply(namespace: string, name: string, revision: number): Call {
  return {
    method: 'PATCH',
    path: `${path(namespace, name)}?fieldManager=bench&force=true`,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify(pod(name, namespace, `a${revision}`)),
  };
}

export interface StoredPod {
  metadata: { name?: string; namespace?: string; resourceVersion?: string };
}
