import type { NodeAffinity } from '../../../lib/api/gen/types.ts';
import { validateAffinity } from '../../../lib/api/kinds/core/pod/affinity.ts';
import { durationMs } from '../../../lib/api/validate/go-duration.ts';
import { validateLabelName } from '../../../lib/api/validate/labels.ts';
import { Path } from '../../../lib/api/validate/path.ts';
import type { Check } from './check.ts';

type Args = Readonly<Record<string, unknown>>;

const typeMeta = ['apiVersion', 'kind'];
const configVersion = 'kubescheduler.config.k8s.io/v1';

/** Checks the arguments of a built-in plugin; those of other plugins are theirs to check. */
export function checkArgs(check: Check, path: string, plugin: string, value: unknown): Args {
  const known = checks[plugin];
  if (known) {
    const args = check.object(path, value, [...typeMeta, ...known.fields]);
    const { apiVersion, kind } = args;
    if (apiVersion !== undefined) check.oneOf(`${path}.apiVersion`, apiVersion, [configVersion]);
    if (kind !== undefined) check.oneOf(`${path}.kind`, kind, [`${plugin}Args`]);
    known.check(check, path, args);
    return args;
  }
  return builtInWithoutArgs.has(plugin) ? check.object(path, value, typeMeta) : ((value ?? {}) as Args);
}

const builtInWithoutArgs = new Set([
  'SchedulingGates',
  'PrioritySort',
  'NodeUnschedulable',
  'NodeName',
  'TaintToleration',
  'NodePorts',
  'ImageLocality',
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeZone',
  'DefaultBinder',
]);

interface ArgsCheck {
  fields: readonly string[];
  check(check: Check, path: string, args: Args): void;
}

/** The types of kubescheduler.config.k8s.io/v1 (kube-scheduler configuration API reference), with their rules. */
const checks: Readonly<Record<string, ArgsCheck>> = {
  NodeAffinity: {
    fields: ['addedAffinity'],
    check(check, path, { addedAffinity }) {
      const at = `${path}.addedAffinity`;
      const affinity = nodeAffinityOf(check, at, addedAffinity);
      // The rules of a pod's own affinity, whose path ends in the field's name there.
      const errors = affinity ? validateAffinity({ nodeAffinity: affinity }, Path.of(at)) : [];
      check.addAll(
        errors.map((error) => ({ ...error, field: error.field.replace(`${at}.nodeAffinity`, at) })),
      );
    },
  },
  NodeResourcesFit: {
    fields: ['ignoredResources', 'ignoredResourceGroups', 'scoringStrategy'],
    check(check, path, args) {
      names(check, `${path}.ignoredResources`, args['ignoredResources'], () => undefined);
      names(check, `${path}.ignoredResourceGroups`, args['ignoredResourceGroups'], (at, name) => {
        if (name.includes('/')) check.add(at, name, "resource group name can't contain '/'");
      });
      scoringStrategy(check, `${path}.scoringStrategy`, args['scoringStrategy']);
    },
  },
  NodeResourcesBalancedAllocation: {
    fields: ['resources'],
    check(check, path, args) {
      resources(check, `${path}.resources`, args['resources'], () => ({
        min: 1,
        max: 1,
        detail: 'must be 1',
      }));
    },
  },
  InterPodAffinity: {
    fields: ['hardPodAffinityWeight', 'ignorePreferredTermsOfExistingPods'],
    check(check, path, args) {
      check.integer(`${path}.hardPodAffinityWeight`, args['hardPodAffinityWeight'], hundredAtMost);
      check.boolean(`${path}.ignorePreferredTermsOfExistingPods`, args['ignorePreferredTermsOfExistingPods']);
    },
  },
  DefaultPreemption: {
    fields: ['minCandidateNodesPercentage', 'minCandidateNodesAbsolute'],
    check(check, path, args) {
      const share = check.integer(
        `${path}.minCandidateNodesPercentage`,
        args['minCandidateNodesPercentage'],
        hundredAtMost,
      );
      const number = check.integer(`${path}.minCandidateNodesAbsolute`, args['minCandidateNodesAbsolute'], {
        min: 0,
        detail: 'not in valid range [0, inf)',
      });
      if (share !== 0 || number !== 0) return;
      const both = 'cannot be zero at the same time as';
      check.add(`${path}.minCandidateNodesPercentage`, 0, `${both} minCandidateNodesAbsolute`);
      check.add(`${path}.minCandidateNodesAbsolute`, 0, `${both} minCandidateNodesPercentage`);
    },
  },
  VolumeBinding: {
    fields: ['bindTimeoutSeconds', 'shape'],
    check(check, path, args) {
      check.integer(`${path}.bindTimeoutSeconds`, args['bindTimeoutSeconds'], {
        min: 0,
        detail: 'invalid BindTimeoutSeconds, should not be a negative value',
      });
      if (args['shape'] === undefined) return;
      const off = 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring';
      check.add(`${path}.shape`, args['shape'], off);
    },
  },
  DynamicResources: {
    fields: ['filterTimeout', 'bindingTimeout'],
    check(check, path, args) {
      duration(check, `${path}.filterTimeout`, args['filterTimeout'], 0, 'must be zero or positive');
      duration(check, `${path}.bindingTimeout`, args['bindingTimeout'], 1000, 'must be at least 1 second');
    },
  },
  PodTopologySpread: {
    fields: ['defaultConstraints', 'defaultingType'],
    check(check, path, args) {
      const type = args['defaultingType'] ?? 'System';
      check.oneOf(`${path}.defaultingType`, type, ['System', 'List']);
      const constraints = check.list(`${path}.defaultConstraints`, args['defaultConstraints']);
      if (constraints.length > 0 && type === 'System') {
        check.add(`${path}.defaultingType`, type, 'when .defaultConstraints are not empty');
      }
      const seen = new Set<string>();
      constraints.forEach((entry, index) => {
        defaultConstraint(check, `${path}.defaultConstraints[${index}]`, entry, seen);
      });
    },
  },
};

const hundredAtMost = { min: 0, max: 100, detail: 'not in valid range [0, 100]' };
const termFields = ['matchExpressions', 'matchFields'];

/** Undefined where it has not the shape of one. */
function nodeAffinityOf(check: Check, path: string, value: unknown): NodeAffinity | undefined {
  if (value === undefined) return undefined;
  const [requiredField, preferredField] = [
    'requiredDuringSchedulingIgnoredDuringExecution',
    'preferredDuringSchedulingIgnoredDuringExecution',
  ];
  const affinity = check.object(path, value, [requiredField, preferredField]);
  const requirement = (at: string, entry: unknown) => {
    const { key, operator, values } = check.object(at, entry, ['key', 'operator', 'values']);
    const texts = check.list(`${at}.values`, values);
    return {
      key: check.string(`${at}.key`, key) ?? '',
      operator: check.string(`${at}.operator`, operator) ?? '',
      values: texts.map((text, i) => check.string(`${at}.values[${i}]`, text) ?? ''),
    };
  };
  const term = (at: string, entry: unknown) => {
    const found = check.object(at, entry, termFields);
    const listed = (field: string) =>
      check.list(`${at}.${field}`, found[field]).map((each, i) => requirement(`${at}.${field}[${i}]`, each));
    return { matchExpressions: listed('matchExpressions'), matchFields: listed('matchFields') };
  };
  const at = { required: `${path}.${requiredField}`, preferred: `${path}.${preferredField}` };
  const needed = check.object(at.required, affinity[requiredField], ['nodeSelectorTerms']);
  const terms = check
    .list(`${at.required}.nodeSelectorTerms`, needed['nodeSelectorTerms'])
    .map((entry, i) => term(`${at.required}.nodeSelectorTerms[${i}]`, entry));
  const preferred = check.list(at.preferred, affinity[preferredField]).map((entry, i) => {
    const { weight, preference } = check.object(`${at.preferred}[${i}]`, entry, ['weight', 'preference']);
    return {
      weight: check.integer(`${at.preferred}[${i}].weight`, weight ?? 0, {}) ?? 1,
      preference: term(`${at.preferred}[${i}].preference`, preference),
    };
  });
  return {
    ...(affinity[requiredField] !== undefined && { [requiredField]: { nodeSelectorTerms: terms } }),
    [preferredField]: preferred,
  } as NodeAffinity;
}

function names(check: Check, path: string, value: unknown, more: (path: string, name: string) => void): void {
  check.list(path, value).forEach((entry, index) => {
    const at = `${path}[${index}]`;
    const name = check.string(at, entry);
    if (name === undefined) return;
    more(at, name);
    check.addAll(validateLabelName(name, Path.of(at)));
  });
}

function duration(check: Check, path: string, value: unknown, minMs: number, detail: string): void {
  if (value === undefined) return;
  const ms = typeof value === 'string' ? durationMs(value) : Number.NaN;
  if (Number.isNaN(ms)) check.add(path, value, 'must be a duration such as 10s');
  else if (ms < minMs) check.add(path, value, detail);
}

function defaultConstraint(check: Check, path: string, entry: unknown, seen: Set<string>): void {
  const constraint = check.object(path, entry, [
    'maxSkew',
    'topologyKey',
    'whenUnsatisfiable',
    'minDomains',
    'nodeAffinityPolicy',
    'nodeTaintsPolicy',
    'labelSelector',
  ]);
  const { maxSkew, minDomains, whenUnsatisfiable, nodeAffinityPolicy, nodeTaintsPolicy } = constraint;
  check.integer(`${path}.maxSkew`, maxSkew ?? 0, { min: 1, detail: 'not in valid range (0, inf)' });
  check.integer(`${path}.minDomains`, minDomains, { min: 1 });
  const key = check.string(`${path}.topologyKey`, constraint['topologyKey'] ?? '');
  if (key === '') check.required(`${path}.topologyKey`, 'can not be empty');
  else if (key !== undefined) check.addAll(validateLabelName(key, Path.of(`${path}.topologyKey`)));
  if (whenUnsatisfiable === undefined) check.required(`${path}.whenUnsatisfiable`, 'can not be empty');
  else check.oneOf(`${path}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']);
  for (const [field, policy] of Object.entries({ nodeAffinityPolicy, nodeTaintsPolicy })) {
    if (policy !== undefined) check.oneOf(`${path}.${field}`, policy, ['Honor', 'Ignore']);
  }
  if (constraint['labelSelector'] !== undefined) {
    const detail = 'constraint must not define a selector, as they deduced for each pod';
    check.forbidden(`${path}.labelSelector`, detail);
  }
  check.unique(path, `{${key}, ${JSON.stringify(whenUnsatisfiable)}}`, seen);
}

function scoringStrategy(check: Check, path: string, value: unknown): void {
  if (value === undefined) return;
  const strategy = check.object(path, value, ['type', 'resources', 'requestedToCapacityRatio']);
  const type = strategy['type'] ?? 'LeastAllocated';
  check.oneOf(`${path}.type`, type, ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']);
  resources(check, `${path}.resources`, strategy['resources'], (name) => ({
    min: 0,
    max: 100,
    detail: `resource weight of ${name} not in valid range (0, 100]`,
  }));
  const at = `${path}.requestedToCapacityRatio`;
  const ratio = strategy['requestedToCapacityRatio'];
  if (type === 'RequestedToCapacityRatio') {
    if (ratio === undefined) check.required(at, `must be specified when type is ${type}`);
    else shape(check, `${at}.shape`, check.object(at, ratio, ['shape'])['shape']);
  } else if (ratio !== undefined)
    check.forbidden(at, 'must be nil when type is not RequestedToCapacityRatio');
}

function shape(check: Check, path: string, value: unknown): void {
  const points = check.list(path, value);
  if (points.length === 0) check.required(path, 'at least one point must be specified');
  let last = -1;
  points.forEach((entry, index) => {
    const at = `${path}[${index}]`;
    const point = check.object(at, entry, ['utilization', 'score']);
    const utilization = check.integer(`${at}.utilization`, point['utilization'] ?? 0, hundredAtMost);
    if (utilization !== undefined && utilization <= last)
      check.add(`${at}.utilization`, utilization, 'values must be sorted in increasing order');
    last = utilization ?? last;
    const tenAtMost = { min: 0, max: 10, detail: 'not in valid range [0, 10]' };
    check.integer(`${at}.score`, point['score'] ?? 0, tenAtMost);
  });
}

function resources(
  check: Check,
  path: string,
  value: unknown,
  limits: (name: string) => { min: number; max: number; detail: string },
): void {
  const seen = new Set<string>();
  check.list(path, value).forEach((entry, index) => {
    const at = `${path}[${index}]`;
    const resource = check.object(at, entry, ['name', 'weight']);
    const name = check.string(`${at}.name`, resource['name'] ?? '');
    if (name === '') check.required(`${at}.name`);
    else if (name !== undefined) check.unique(`${at}.name`, name, seen);
    // Absent, or 0, is 1.
    check.integer(`${at}.weight`, resource['weight'] || 1, limits(name ?? ''));
  });
}
