import { describe, expect, test } from 'vitest';
import { ownKey, watchOf } from '../../../functions/controllers/common/watch.ts';
import { done } from '../../../functions/controllers/controller.ts';
import { dispatch } from '../../../functions/controllers/dispatch.ts';
import { deletionConditions } from '../../../functions/controllers/namespace/conditions.ts';
import { selectControllers } from '../../../functions/controllers/select.ts';
import { deployments, pods } from '../../../lib/client/resources.ts';
import { deployment, pod } from './objects.ts';

describe('which controllers run', () => {
  const known = ['deployment', 'replicaset', 'namespace'];
  test.each([
    [['*'], known],
    [
      ['*', '-replicaset'],
      ['deployment', 'namespace'],
    ],
    [['namespace'], ['namespace']],
    [
      ['-namespace', '*', 'namespace'],
      ['deployment', 'replicaset'],
    ],
  ])('%j', (names, running) => {
    expect([...selectControllers(names, known)]).toEqual(running);
  });

  test('a name that nobody has is refused', () => {
    expect(() => selectControllers(['*', '-cronjobs'], known)).toThrow(
      'controllers: Invalid value: "cronjobs": is not in the list of known controllers (deployment, replicaset, namespace)',
    );
  });
});

test('a change becomes each key of each controller that it concerns, once', () => {
  const reconcile = async () => done;
  const one = {
    name: 'one',
    reconcile,
    watches: [watchOf(pods, ownKey), watchOf(pods, () => ['default/a', 'x'])],
  };
  const two = { name: 'two', reconcile, watches: [watchOf(deployments, ownKey)] };
  expect(dispatch([one, two], pods, { before: undefined, after: pod('a') })).toEqual([
    { controller: 'one', key: 'default/a' },
    { controller: 'one', key: 'x' },
  ]);
  expect(dispatch([one, two], deployments, { before: deployment(), after: undefined })).toEqual([
    { controller: 'two', key: 'default/web' },
  ]);
});

describe('conditions of a namespace that goes away', () => {
  const empty = () => ({
    discoveryErrors: [],
    deletionErrors: [],
    remaining: new Map(),
    finalizers: new Map(),
  });
  const now = Date.parse('2026-01-01T00:00:00Z');

  test('say what is left and what it waits for', () => {
    const state = {
      ...empty(),
      remaining: new Map([
        ['pods.', 2],
        ['deployments.apps', 1],
      ]),
      finalizers: new Map([['example.com/hold', 1]]),
    };
    expect(
      deletionConditions([], state, now).map(({ type, status, message }) => [type, status, message]),
    ).toEqual([
      ['NamespaceDeletionDiscoveryFailure', 'False', 'All resources successfully discovered'],
      ['NamespaceDeletionGroupVersionParsingFailure', 'False', 'All legacy kube types successfully parsed'],
      [
        'NamespaceDeletionContentFailure',
        'False',
        'All content successfully deleted, may be waiting on finalization',
      ],
      [
        'NamespaceContentRemaining',
        'True',
        'Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances',
      ],
      [
        'NamespaceFinalizersRemaining',
        'True',
        'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
      ],
    ]);
  });

  test('keep their time while they say the same', () => {
    const before = deletionConditions([], empty(), now);
    expect(deletionConditions(before, empty(), now + 60_000)).toEqual(before);
  });
});
