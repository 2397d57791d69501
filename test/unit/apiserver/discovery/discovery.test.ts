import { describe, expect, it } from 'vitest';
import { createDiscovery } from '../../../../functions/apiserver/discovery/index.ts';
import { compareVersions } from '../../../../functions/apiserver/discovery/order.ts';
import { definitionOf } from '../definitions.ts';

const pods = definitionOf('', 'v1', 'Pod', {
  shortNames: ['po'],
  categories: ['all'],
  subresources: [
    { name: 'status', group: '', version: 'v1', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
  ],
});
const discovery = createDiscovery(
  [
    definitionOf('example.com', 'v1alpha1', 'Widget'),
    definitionOf('autoscaling', 'v1', 'HorizontalPodAutoscaler'),
    definitionOf('autoscaling', 'v2', 'HorizontalPodAutoscaler'),
    definitionOf('apps', 'v1', 'Deployment'),
    definitionOf('', 'v1', 'Node', { namespaced: false }),
    pods,
  ],
  '127.0.0.1:6443',
);
const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

function read(path: string, accept?: string, ifNoneMatch?: string) {
  const response = discovery.respond({ path, accept, ifNoneMatch });
  const body = response?.body
    ? (JSON.parse(Buffer.from(response.body as Uint8Array).toString()) as unknown)
    : undefined;
  return { status: response?.status, headers: response?.headers, body };
}

describe('discovery', () => {
  it('lists core versions and groups in order', () => {
    expect(read('/api').body).toEqual({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1:6443' }],
    });
    const autoscaling = {
      name: 'autoscaling',
      versions: [
        { groupVersion: 'autoscaling/v2', version: 'v2' },
        { groupVersion: 'autoscaling/v1', version: 'v1' },
      ],
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    };
    const { groups } = read('/apis').body as { groups: { name: string }[] };
    expect(groups.map(({ name }) => name)).toEqual(['apps', 'autoscaling', 'example.com']);
    expect(groups[1]).toEqual(autoscaling);
    expect(read('/apis/autoscaling/').body).toEqual({ kind: 'APIGroup', apiVersion: 'v1', ...autoscaling });
  });

  it('lists the resources of a version with their subresources', () => {
    expect(read('/api/v1').body).toEqual({
      kind: 'APIResourceList',
      groupVersion: 'v1',
      resources: [
        {
          name: 'nodes',
          singularName: 'node',
          namespaced: false,
          kind: 'Node',
          verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
          storageVersionHash: 'XwShjMxG9Fs=',
        },
        {
          name: 'pods',
          singularName: 'pod',
          namespaced: true,
          kind: 'Pod',
          verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
          shortNames: ['po'],
          categories: ['all'],
          storageVersionHash: 'xPOwRZ+Yhw8=',
        },
        {
          name: 'pods/eviction',
          singularName: '',
          namespaced: true,
          group: 'policy',
          version: 'v1',
          kind: 'Eviction',
          verbs: ['create'],
        },
        {
          name: 'pods/status',
          singularName: '',
          namespaced: true,
          kind: 'Pod',
          verbs: ['get', 'patch', 'update'],
        },
      ],
    });
  });

  it('has one document for everything, with an ETag', () => {
    const first = read('/apis', `${v2},application/json`);
    expect(first.headers).toMatchObject({ 'content-type': v2, vary: 'Accept' });
    const { items } = first.body as { items: { metadata: object; versions: { version: string }[] }[] };
    expect(items.map(({ metadata }) => metadata)).toEqual([
      { name: 'apps', creationTimestamp: null },
      { name: 'autoscaling', creationTimestamp: null },
      { name: 'example.com', creationTimestamp: null },
    ]);
    expect(items[1]?.versions.map(({ version }) => version)).toEqual(['v2', 'v1']);
    const again = read('/apis', v2, String(first.headers?.etag));
    // Clients put what comes with it in the place of what they have kept: the type stays.
    const { 'content-length': _ofTheBody, ...headers } = first.headers ?? {};
    expect(again).toEqual({ status: 304, headers, body: undefined });
    expect(read('/api', v2).body).toMatchObject({
      kind: 'APIGroupDiscoveryList',
      apiVersion: 'apidiscovery.k8s.io/v2',
      items: [
        {
          metadata: { creationTimestamp: null },
          versions: [
            {
              version: 'v1',
              freshness: 'Current',
              resources: [
                { resource: 'nodes', scope: 'Cluster' },
                {
                  resource: 'pods',
                  responseKind: { group: '', version: 'v1', kind: 'Pod' },
                  scope: 'Namespaced',
                  singularResource: 'pod',
                  subresources: [
                    {
                      subresource: 'eviction',
                      responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' },
                      verbs: ['create'],
                    },
                    {
                      subresource: 'status',
                      responseKind: { group: '', version: 'v1', kind: 'Pod' },
                      verbs: ['get', 'patch', 'update'],
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('takes the first form that the client and it have in common', () => {
    const beta = v2.replace('v2', 'v2beta1');
    expect(read('/apis', `application/vnd.kubernetes.protobuf,${beta}`).headers?.['content-type']).toBe(beta);
    expect(read('/apis', 'application/json').headers?.['content-type']).toBe('application/json');
    expect(() => read('/apis', 'application/vnd.kubernetes.protobuf')).toThrow(
      expect.objectContaining({ kind: 'NotAcceptable' }),
    );
  });

  it('knows nothing of other paths', () => {
    for (const path of [
      '/',
      '/api/v2',
      '/apis/nope',
      '/apis/apps/v2',
      '/apis/apps/v1/x',
      '/version',
      '/api/v1/pods',
    ]) {
      expect(discovery.respond({ path, accept: undefined, ifNoneMatch: undefined })).toBeUndefined();
    }
  });

  it('orders versions as custom resources have them', () => {
    const versions = [
      'v10',
      'v2',
      'v1',
      'v11beta2',
      'v10beta3',
      'v3beta1',
      'v12alpha1',
      'v11alpha2',
      'foo1',
      'foo10',
    ];
    expect(versions.toReversed().sort(compareVersions)).toEqual(versions);
  });
});
