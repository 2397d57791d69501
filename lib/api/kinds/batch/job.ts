import type { Job, JobSpec, PodTemplateSpec } from '../../gen/types.ts';
import { matchesLabels, selectorFromObject } from '../../selectors/index.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required } from '../../validate/field-error.ts';
import { dns1123Label, nameIsSubdomain } from '../../validate/formats.ts';
import { isEmptySelector, validateLabelSelector } from '../../validate/labels.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { applyTemplateDefaults } from '../core/pod/template.ts';
import { hostnameWarning } from '../hostname-warning.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { specPath } from '../workload.ts';
import { applyFailurePolicyDefaults, validateJobSpec, warnOfJobSpec } from './job-spec.ts';
import { validateJobStatusUpdate } from './job-status.ts';

const controllerUid = 'batch.kubernetes.io/controller-uid';
const jobName = 'batch.kubernetes.io/job-name';
/** Names from before labels of the project had prefixes; still written, for whoever selects by them. */
const legacyControllerUid = 'controller-uid';
const legacyJobName = 'job-name';

const maxInt32 = 2 ** 31 - 1;

export const jobRules = rules<Job>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ metadata, spec }) {
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    spec.parallelism ??= 1;
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32;
    const labels = spec.template.metadata?.labels ?? {};
    if (Object.keys(labels).length > 0 && Object.keys(metadata.labels ?? {}).length === 0) {
      metadata.labels = { ...labels };
    }
    spec.completionMode ??= 'NonIndexed';
    spec.suspend ??= false;
    spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
    spec.manualSelector ??= false;
    applyFailurePolicyDefaults(spec.podFailurePolicy);
    applyTemplateDefaults(spec.template);
  },

  prepareForCreate(job) {
    if (!job.spec.manualSelector) job.spec = withGeneratedSelector(job);
    job.status = {};
  },

  prepareForUpdate: keepStatus,

  validateCreate: (job) => validate(job, true),

  validateUpdate(job, old) {
    const labels = old.spec.template.metadata?.labels ?? {};
    const hadPrefixes = labels[jobName] !== undefined && labels[controllerUid] !== undefined;
    const fixed = [
      'selector',
      'completionMode',
      'podFailurePolicy',
      'backoffLimitPerIndex',
      'managedBy',
      'successPolicy',
    ] as const;
    return [
      ...validate(job, hadPrefixes),
      ...validateObjectMetaUpdate(job.metadata, old.metadata),
      ...validateCompletionsUpdate(job.spec, old.spec),
      ...immutable(job.spec.template, mutableParts(job.spec.template, old), specPath.child('template')),
      ...fixed.flatMap((field) => immutable(job.spec[field], old.spec[field], specPath.child(field))),
    ];
  },

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate: (job, old) => [
    ...validateObjectMetaUpdate(job.metadata, old.metadata),
    ...validateJobStatusUpdate(job, old),
  ],

  warnings(job, old) {
    if (!old) return [...hostnameWarning(job.metadata.name), ...warnOfJobSpec(job.spec, specPath)];
    return sameValue(job.spec, old.spec) ? [] : warnOfJobSpec(job.spec, specPath);
  },

  generationChanged: (job, old) => !sameValue(job.spec, old.spec),
});

/** Pods are told apart from all others by the Job's uid. What the user has set against this is refused later. */
function withGeneratedSelector({ metadata, spec }: Job): JobSpec {
  const { name = '', uid = '' } = metadata;
  const labels = {
    [legacyJobName]: name,
    [jobName]: name,
    [legacyControllerUid]: uid,
    [controllerUid]: uid,
    ...spec.template.metadata?.labels,
  };
  return {
    ...spec,
    selector: { ...spec.selector, matchLabels: { [controllerUid]: uid, ...spec.selector?.matchLabels } },
    template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
  };
}

function validate(job: Job, requirePrefixes: boolean): FieldError[] {
  const { metadata, spec } = job;
  const errors = [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateGeneratedSelector(job, requirePrefixes),
    ...validateJobSpec(spec, specPath),
  ];
  const { selector, template, completions = 0 } = spec;
  const path = specPath.child('selector');
  const selectorErrors = selector ? validateLabelSelector(selector, path) : [required(path)];
  errors.push(...selectorErrors);
  const labels = template.metadata?.labels;
  if (selectorErrors.length === 0 && !matchesLabels(selectorFromObject(selector), labels ?? {})) {
    const detail = '`selector` does not match template `labels`';
    errors.push(invalidValue(specPath.child('template', 'metadata', 'labels'), labels ?? null, detail));
  }
  if (spec.completionMode === 'Indexed' && completions > 0) {
    const hostname = `${metadata.name ?? ''}-${completions - 1}`;
    if (dns1123Label(hostname).length > 0) {
      const detail = `will not able to create pod with invalid DNS label: ${hostname}`;
      errors.push(invalidValue(Path.of('metadata', 'name'), metadata.name ?? '', detail));
    }
  }
  return errors;
}

function validateGeneratedSelector({ metadata, spec }: Job, requirePrefixes: boolean): FieldError[] {
  const { manualSelector, selector, template } = spec;
  if (manualSelector || !selector) return [];
  const { uid = '', name = '' } = metadata;
  const errors = uid ? [] : [required(Path.of('metadata', 'uid'))];
  const expected: Record<string, string> = { [legacyControllerUid]: uid, [legacyJobName]: name };
  if (requirePrefixes) Object.assign(expected, { [controllerUid]: uid, [jobName]: name });
  const labels = template.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(expected)) {
    const at = specPath.child('template', 'metadata', 'labels').key(key);
    if (!Object.hasOwn(labels, key)) errors.push(required(at, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(invalidValue(at, labels, `must be '${value}'`));
  }
  const isReadable = validateLabelSelector(selector, specPath).length === 0;
  if (isReadable && !isEmptySelector(selector) && !matchesLabels(selectorFromObject(selector), expected)) {
    errors.push(invalidValue(specPath.child('selector'), selector, '`selector` not auto-generated'));
  }
  return errors;
}

/** Indexed Jobs are elastic: completions and parallelism change together (KEP-3715). */
function validateCompletionsUpdate(spec: JobSpec, old: JobSpec): FieldError[] {
  const path = specPath.child('completions');
  if (spec.completionMode !== 'Indexed') return immutable(spec.completions, old.completions, path);
  if (spec.completions === old.completions || spec.completions === undefined) return [];
  if (spec.completions === spec.parallelism) return [];
  const detail = 'can only be modified in tandem with spec.parallelism';
  return [invalidValue(path, spec.completions, detail)];
}

/**
 * The old template with what the new one may say otherwise: on a suspended Job where its pods may run (KEP-2926) and
 * what they may use (KEP-5440), as long as none runs.
 */
function mutableParts(template: PodTemplateSpec, { spec, status }: Job): PodTemplateSpec {
  const old = spec.template;
  const isIdle = spec.suspend && (status?.startTime === undefined || !status.active);
  if (!isIdle) return old;
  const { nodeSelector, tolerations, schedulingGates, affinity } = template.spec;
  const { nodeAffinity: _, ...otherAffinity } = old.spec.affinity ?? {};
  const nodeAffinity = affinity?.nodeAffinity;
  const merged = { ...otherAffinity, ...(nodeAffinity && { nodeAffinity }) };
  const isWithout = !affinity && Object.keys(otherAffinity).length === 0;
  const { labels, annotations } = template.metadata ?? {};
  const resourcesOf = (name: string, list: readonly { name: string; resources?: object }[] | undefined) =>
    list?.find((container) => container.name === name)?.resources;
  return {
    metadata: { ...old.metadata, labels, annotations },
    spec: {
      ...old.spec,
      nodeSelector,
      tolerations,
      schedulingGates,
      affinity: isWithout ? undefined : merged,
      containers: old.spec.containers.map((container) => ({
        ...container,
        resources: resourcesOf(container.name, template.spec.containers),
      })),
      initContainers: old.spec.initContainers?.map((container) => ({
        ...container,
        resources: resourcesOf(container.name, template.spec.initContainers),
      })),
    },
  };
}
