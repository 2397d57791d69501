import { describe, expect, it, test } from 'vitest';
import type { Job } from '../../../../lib/api/gen/types.ts';
import { countIndexes, firstCommonIndex } from '../../../../lib/api/kinds/batch/indexes.ts';
import { scheduleProblem } from '../../../../lib/api/kinds/batch/schedule.ts';
import { errorText } from '../../../../lib/api/validate/field-error.ts';
import { complete, rulesOf } from '../../../support/complete.ts';

const metadata = { name: 'web', namespace: 'default', uid: 'u' };
const selector = { matchLabels: { app: 'web' } };
const pod = { containers: [{ name: 'app', image: 'app:1' }] };
const template = { metadata: { labels: { app: 'web' } }, spec: pod };

function errorsOf(apiVersion: string, kind: string, object: object): string[] {
  const made = complete(apiVersion, kind, { metadata, ...object });
  return rulesOf(apiVersion, kind).validateCreate(made).map(errorText);
}

function errorsOfUpdate(apiVersion: string, kind: string, spec: object, change: object): string[] {
  const rules = rulesOf(apiVersion, kind);
  const old = complete(apiVersion, kind, { metadata: { ...metadata, resourceVersion: '1' }, spec });
  const next = complete(apiVersion, kind, {
    metadata: { ...metadata, resourceVersion: '1' },
    spec: { ...spec, ...change },
  });
  next.metadata = structuredClone(old.metadata);
  rules.prepareForUpdate?.(next, old);
  return rules.validateUpdate(next, old).map(errorText);
}

describe('a StatefulSet', () => {
  const spec = { selector, template };
  const errors = (more: object) => errorsOf('apps/v1', 'StatefulSet', { spec: { ...spec, ...more } });

  it('is filled in', () => {
    const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } };
    const { spec: made } = complete('apps/v1', 'StatefulSet', {
      metadata,
      spec: { ...spec, volumeClaimTemplates: [claim] },
    });
    expect(made).toMatchObject({
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 1 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      revisionHistoryLimit: 10,
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          spec: { volumeMode: 'Filesystem' },
          status: { phase: 'Pending' },
        },
      ],
    });
  });

  it('mounts its claims, and names its strategy right', () => {
    const mounting = {
      containers: [{ ...pod.containers[0], volumeMounts: [{ name: 'data', mountPath: '/d' }] }],
    };
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    const withMount = { template: { ...template, spec: mounting } };
    expect(errors({ ...withMount, volumeClaimTemplates: [claim] })).toEqual([]);
    expect(errors(withMount)).toEqual([
      'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
    ]);
    expect(
      errors({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } } }),
    ).toEqual(['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0']);
    expect(errors({ podManagementPolicy: 'Random', ordinals: { start: -1 } })).toEqual([
      "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'",
      'spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });

  it('changes only in what may change', () => {
    expect(errorsOfUpdate('apps/v1', 'StatefulSet', spec, { replicas: 3, minReadySeconds: 4 })).toEqual([]);
    expect(errorsOfUpdate('apps/v1', 'StatefulSet', spec, { serviceName: 'other' })).toEqual([
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
  });
});

describe('a DaemonSet', () => {
  const errors = (more: object) =>
    errorsOf('apps/v1', 'DaemonSet', { spec: { selector, template, ...more } });

  it('surges or has pods missing, one of both', () => {
    const updating = (rollingUpdate: object) =>
      errors({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
    expect(updating({ maxSurge: 1, maxUnavailable: 0 })).toEqual([]);
    expect(updating({ maxSurge: 1 })).toEqual([
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ]);
    expect(updating({ maxUnavailable: 0 })).toEqual([
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0',
    ]);
  });

  it('selects the pods that it makes', () => {
    expect(errors({ selector: { matchLabels: { app: 'other' } } })).toEqual([
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ]);
  });
});

describe('a ReplicationController', () => {
  it('selects by the labels of its template unless it says otherwise', () => {
    const { spec, metadata: meta } = complete('v1', 'ReplicationController', {
      metadata,
      spec: { template },
    });
    expect([spec, meta.labels]).toMatchObject([{ replicas: 1, selector: { app: 'web' } }, { app: 'web' }]);
    expect(errorsOf('v1', 'ReplicationController', { spec: {} })).toEqual([
      'spec.selector: Required value',
      'spec.template: Required value',
    ]);
  });
});

describe('a ControllerRevision', () => {
  it.each([
    [undefined, 'data: Required value: data is mandatory'],
    [[1], 'data: Required value: data must be a valid JSON object'],
  ])('holds an object, not %j', (data, message) => {
    expect(errorsOf('apps/v1', 'ControllerRevision', { data, revision: 1 })).toEqual([message]);
  });
});

describe('a Job', () => {
  const spec = { template: { spec: { ...pod, restartPolicy: 'Never' } } };
  const errors = (more: object) => errorsOf('batch/v1', 'Job', { spec: { ...spec, ...more } });

  it('is filled in', () => {
    const { spec: made } = complete('batch/v1', 'Job', { metadata, spec });
    expect(made).toMatchObject({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      podReplacementPolicy: 'TerminatingOrFailed',
      manualSelector: false,
    });
  });

  it('restarts its pods on failure at most', () => {
    expect(errors({ template: { spec: pod } })).toEqual([
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ]);
  });

  it('is indexed where it counts by index', () => {
    expect(errors({ completionMode: 'Indexed' })).toEqual([]);
    expect(errors({ backoffLimitPerIndex: 1 })).toEqual([
      'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
    ]);
    expect(errors({ completionMode: 'Indexed', parallelism: 2 })).toEqual([
      'spec.completions: Required value: when completion mode is Indexed',
    ]);
  });

  it('has policies that can be followed', () => {
    const rules = [
      { action: 'FailIndex', onExitCodes: { operator: 'In', values: [3, 0], containerName: 'other' } },
      { action: 'Ignore' },
    ];
    expect(errors({ podFailurePolicy: { rules } })).toEqual([
      'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
      'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "other": must be one of the container or initContainer names in the pod template',
      'spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
      'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,0]: must be ordered',
      'spec.podFailurePolicy.rules[1]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
    ]);
    const successPolicy = { rules: [{ succeededIndexes: '0-9', succeededCount: 4 }] };
    expect(errors({ completionMode: 'Indexed', completions: 3, parallelism: 1, successPolicy })).toEqual([
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-9": error parsing succeededIndexes: too large index: "9"',
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)',
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 0 (the number of indexes in the specified succeededIndexes field)',
    ]);
  });

  it('keeps its template once it runs, and may be given other resources while it is suspended', () => {
    const resources = { requests: { cpu: '2' } };
    const change = {
      template: { spec: { ...spec.template.spec, containers: [{ ...pod.containers[0], resources }] } },
    };
    expect(errorsOfUpdate('batch/v1', 'Job', { ...spec, suspend: true }, change)).toEqual([]);
    expect(errorsOfUpdate('batch/v1', 'Job', spec, change)).toEqual([
      expect.stringMatching(/^spec\.template: Invalid value: .*: field is immutable$/),
    ]);
  });

  it('does not take back what its status has said', () => {
    const make = (status: object) => {
      const made = complete('batch/v1', 'Job', { metadata: { ...metadata, resourceVersion: '1' }, spec });
      return { ...made, status } as unknown as Job;
    };
    const update = (before: object, after: object) =>
      rulesOf('batch/v1', 'Job')
        .validateStatusUpdate?.(make(after), make(before), { user: { username: 'jane', groups: [] }, now: 0 })
        .map(errorText);
    const complete1 = [
      { type: 'SuccessCriteriaMet', status: 'True' },
      { type: 'Complete', status: 'True' },
    ];
    const startTime = '2026-01-01T00:00:00Z';
    const completionTime = '2026-01-01T00:01:00Z';
    const finished = { conditions: complete1, startTime, completionTime, succeeded: 1 };
    expect(update({ startTime }, finished)).toEqual([]);
    expect(update(finished, { startTime, succeeded: 0 })).toEqual([
      'status.conditions: Invalid value: cannot disable the terminal Complete=True condition',
      'status.succeeded: Invalid value: 0: cannot decrease the succeeded counter',
      'status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition',
    ]);
    expect(update({}, { conditions: [{ type: 'Failed', status: 'True' }], active: 1 })).toEqual([
      'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
      'status.startTime: Required value: startTime is required for finished job',
      'status.active: Invalid value: 1: active>0 is invalid for finished job',
    ]);
  });
});

describe('sets of indexes', () => {
  it('are counted, in order', () => {
    expect(countIndexes('1,3-5,7', 8)).toBe(5);
    expect(() => countIndexes('3-5,5', 8)).toThrow('non-increasing order, previous: 5, current: 5');
    expect(() => countIndexes('1-2-3', 8)).toThrow(
      'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by \'-\'',
    );
  });

  it('have something in common, or not', () => {
    expect(firstCommonIndex('1,3-5', '0,2,5-6', 8)).toBe(5);
    expect(firstCommonIndex('1,3-4', '0,2,5-6', 8)).toBeUndefined();
  });
});

describe('a CronJob', () => {
  const jobTemplate = { spec: { template: { spec: { ...pod, restartPolicy: 'Never' } } } };
  const errors = (more: object, name = 'web') =>
    errorsOf('batch/v1', 'CronJob', {
      metadata: { ...metadata, name },
      spec: { schedule: '* * * * *', jobTemplate, ...more },
    });

  test.each([
    '* * * * *',
    '*/5 0-3 ? jan-MAR sun',
    '1,2,3 5/2 1 1 0',
    '@daily',
    '@every 1h30m',
    '0 0 1-31/2 * *',
  ])('takes %s', (schedule) => expect(errors({ schedule })).toEqual([]));

  test.each([
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['5-3 * * * *', 'beginning of range (5) beyond end of range (3): 5-3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['*/1/2 * * * *', 'too many slashes: */1/2'],
    ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ['@often', 'unrecognized descriptor: @often'],
    ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
  ])('refuses %s', (schedule, problem) => {
    expect(scheduleProblem(schedule)).toBe(problem);
    expect(errors({ schedule })).toEqual([
      `spec.schedule: Invalid value: ${JSON.stringify(schedule)}: ${problem}`,
    ]);
  });

  it('has its time zone in a field of its own, and a name that leaves room', () => {
    expect(errors({ timeZone: 'Europe/Berlin' })).toEqual([]);
    expect(errors({ timeZone: 'Nowhere/Land' })).toEqual([
      'spec.timeZone: Invalid value: "Nowhere/Land": unknown time zone Nowhere/Land',
    ]);
    expect(errors({ schedule: 'TZ=UTC * * * * *' })).toEqual([
      'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ]);
    const name = 'x'.repeat(53);
    expect(errors({}, name)).toEqual([
      `metadata.name: Invalid value: "${name}": must be no more than 52 characters`,
    ]);
  });
});

describe('a PodDisruptionBudget', () => {
  it('says how many may be missing in one way', () => {
    const spec = { minAvailable: 1, maxUnavailable: '120%', unhealthyPodEvictionPolicy: 'Never' };
    expect(errorsOf('policy/v1', 'PodDisruptionBudget', { spec })).toEqual([
      expect.stringMatching(/^spec: Invalid value: .*: minAvailable and maxUnavailable cannot be both set$/),
      'spec.maxUnavailable: Invalid value: "120%": must not be greater than 100%',
      'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
    ]);
  });
});

describe('a HorizontalPodAutoscaler', () => {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const errors = (more: object) =>
    errorsOf('autoscaling/v2', 'HorizontalPodAutoscaler', {
      spec: { scaleTargetRef, maxReplicas: 3, ...more },
    });

  it('is filled in where it says how to scale', () => {
    const { spec } = complete('autoscaling/v2', 'HorizontalPodAutoscaler', {
      metadata,
      spec: { scaleTargetRef, maxReplicas: 3, behavior: {} },
    });
    expect(spec).toMatchObject({
      minReplicas: 1,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 80 } } }],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: 'Max',
          policies: [{ value: 4 }, { value: 100 }],
        },
        scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
      },
    });
  });

  it('goes by metrics that are whole, and scales within bounds', () => {
    const metrics = [
      { type: 'Pods', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 0 } } },
    ];
    expect(errors({ metrics })).toEqual([
      'spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0',
      'spec.metrics[0].pods: Required value: must populate information for the given metric source',
    ]);
    const scaleUp = {
      policies: [{ type: 'Pods', value: 0, periodSeconds: 3600 }],
      stabilizationWindowSeconds: 4000,
      tolerance: '-1',
    };
    expect(errors({ behavior: { scaleUp } })).toEqual([
      'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600',
      'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 3600: must be less than or equal to 1800',
      'spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be greater than or equal to 0',
    ]);
  });
});
