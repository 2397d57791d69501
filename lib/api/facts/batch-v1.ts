import type { PackageFacts } from './package.ts';

export const batchV1: PackageFacts = {
  name: 'io.k8s.api.batch.v1',
  group: 'batch',
  version: 'v1',
  types: `
    CronJob CronJobList CronJobSpec CronJobStatus Job JobCondition JobList JobSpec JobStatus
    JobTemplateSpec PodFailurePolicy PodFailurePolicyOnExitCodesRequirement
    PodFailurePolicyOnPodConditionsPattern PodFailurePolicyRule SuccessPolicy SuccessPolicyRule
    UncountedTerminatedPods
  `,
  always: {
    CronJob: 'metadata spec status',
    CronJobList: 'metadata items',
    CronJobSpec: 'schedule jobTemplate',
    Job: 'metadata spec status',
    JobCondition: 'type status lastProbeTime lastTransitionTime',
    JobList: 'metadata items',
    JobSpec: 'template',
    JobTemplateSpec: 'metadata spec',
    PodFailurePolicy: 'rules',
    PodFailurePolicyOnExitCodesRequirement: 'operator values',
    PodFailurePolicyOnPodConditionsPattern: 'type status',
    PodFailurePolicyRule: 'action',
    SuccessPolicy: 'rules',
  },
  facts: {
    CronJobSpec: {
      concurrencyPolicy: { enum: ['Allow', 'Forbid', 'Replace'] },
    },
    JobSpec: {
      completionMode: { enum: ['Indexed', 'NonIndexed'] },
      podReplacementPolicy: { enum: ['Failed', 'TerminatingOrFailed'] },
    },
    JobStatus: {
      conditions: { patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    PodFailurePolicyOnExitCodesRequirement: {
      operator: { enum: ['In', 'NotIn'] },
      values: { listType: 'set' },
    },
    PodFailurePolicyRule: {
      action: { enum: ['Count', 'FailIndex', 'FailJob', 'Ignore'] },
    },
    UncountedTerminatedPods: {
      failed: { listType: 'set' },
      succeeded: { listType: 'set' },
    },
  },
};
