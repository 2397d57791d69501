import { describe, expect, it } from 'vitest';
import { complete } from '../../../support/complete.ts';

describe('defaults', () => {
  it('fill in a pod', () => {
    const pod = complete('v1', 'Pod', {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        hostNetwork: true,
        volumes: [{ name: 'empty' }, { name: 'config', configMap: { name: 'c' } }],
        containers: [
          {
            name: 'app',
            image: 'registry:5000/app',
            ports: [{ containerPort: 80 }],
            resources: { limits: { cpu: '1' }, requests: { memory: '1Mi' } },
            readinessProbe: { httpGet: { port: 80 } },
          },
        ],
      },
    });
    expect(pod.spec).toEqual({
      hostNetwork: true,
      volumes: [
        { name: 'empty', emptyDir: {} },
        { name: 'config', configMap: { name: 'c', defaultMode: 420 } },
      ],
      containers: [
        {
          name: 'app',
          image: 'registry:5000/app',
          imagePullPolicy: 'Always',
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
          resources: { limits: { cpu: '1' }, requests: { cpu: '1', memory: '1Mi' } },
          readinessProbe: {
            httpGet: { port: 80, path: '/', scheme: 'HTTP' },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
        },
      ],
      enableServiceLinks: true,
      dnsPolicy: 'ClusterFirst',
      restartPolicy: 'Always',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      schedulerName: 'default-scheduler',
    });
    expect(pod.status).toEqual({ phase: 'Pending', qosClass: 'Burstable' });
  });

  it.each([
    ['busybox', 'Always'],
    ['busybox:latest', 'Always'],
    ['busybox:1.36', 'IfNotPresent'],
    ['localhost:5000/busybox', 'Always'],
    ['busybox@sha256:aaaa', 'IfNotPresent'],
  ])('pull %s: %s', (image, policy) => {
    const pod = complete('v1', 'Pod', { spec: { containers: [{ name: 'a', image }] } });
    expect(pod.spec).toMatchObject({ containers: [{ imagePullPolicy: policy }] });
  });

  it('fill in a Deployment, but leave limits of its template alone', () => {
    const container = { name: 'a', image: 'b:1', resources: { limits: { cpu: '1' } } };
    const { spec } = complete('apps/v1', 'Deployment', {
      spec: { template: { spec: { containers: [container] } } },
    });
    expect(spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      template: { spec: { containers: [{ resources: { limits: { cpu: '1' } } }], restartPolicy: 'Always' } },
    });
    expect(JSON.stringify(spec)).not.toContain('requests');
  });

  it('fill in a Service', () => {
    const { spec } = complete('v1', 'Service', { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } });
    expect(spec).toEqual({
      type: 'LoadBalancer',
      ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
      sessionAffinity: 'None',
      externalTrafficPolicy: 'Cluster',
      internalTrafficPolicy: 'Cluster',
      allocateLoadBalancerNodePorts: true,
    });
  });

  it('encode what a Secret was given as text', () => {
    const secret = complete('v1', 'Secret', {
      data: { a: 'YQ==', b: 'Yg==' },
      stringData: { b: 'c', __proto__x: 'd' },
    });
    expect(secret).toMatchObject({ type: 'Opaque', data: { a: 'YQ==', b: 'Yw==', __proto__x: 'ZA==' } });
    expect(secret).not.toHaveProperty('stringData');
  });

  it('label a Namespace with its name', () => {
    const namespace = complete('v1', 'Namespace', { metadata: { name: 'team' } });
    expect(namespace).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'team' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });
});
