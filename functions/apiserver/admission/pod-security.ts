import type { Namespace, Pod, PodTemplateSpec } from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { detailsText, evaluatePod, type Finding, type PodLike } from '../../../lib/api/pod-security/index.ts';
import {
  compareLevels,
  isPrivileged,
  labelPrefix,
  type LevelVersion,
  levelVersionText,
  modes,
  type Policy,
  policyOf,
  sameLevelVersion,
} from '../../../lib/api/pod-security/policy.ts';
import { forbidden, internal, invalid } from '../../../lib/api/status.ts';
import { goJson } from '../../../lib/api/validate/quote.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../pipeline/admission.ts';
import { current } from './common.ts';
import { existingPodWarnings } from './pod-security-existing.ts';

export interface PodSecurityOptions {
  /** For namespaces whose labels say nothing. */
  defaults: Policy;
  exemptions: {
    usernames: readonly string[];
    namespaces: readonly string[];
    runtimeClasses: readonly string[];
  };
}

/** Upstream's: nothing is asked of a namespace without labels. */
export const podSecurityDefaults: PodSecurityOptions = {
  defaults: {
    enforce: { level: 'privileged', version: Number.POSITIVE_INFINITY },
    audit: { level: 'privileged', version: Number.POSITIVE_INFINITY },
    warn: { level: 'privileged', version: Number.POSITIVE_INFINITY },
  },
  exemptions: { usernames: [], namespaces: [], runtimeClasses: [] },
};

/** Subresources of pods that cannot change what a pod may do. */
const harmless = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']);

interface WithTemplate extends KubeObject {
  template?: PodTemplateSpec;
  spec?: { template?: PodTemplateSpec; jobTemplate?: { spec?: { template?: PodTemplateSpec } } };
}

/** Where each kind that makes pods keeps what it makes them from. */
const templates: Readonly<Record<string, (object: WithTemplate) => PodTemplateSpec | undefined>> = {
  'podtemplates.': ({ template }) => template,
  'replicationcontrollers.': ({ spec }) => spec?.template,
  'replicasets.apps': ({ spec }) => spec?.template,
  'deployments.apps': ({ spec }) => spec?.template,
  'statefulsets.apps': ({ spec }) => spec?.template,
  'daemonsets.apps': ({ spec }) => spec?.template,
  'jobs.batch': ({ spec }) => spec?.template,
  'cronjobs.batch': ({ spec }) => spec?.jobTemplate?.spec?.template,
};

/**
 * PodSecurity (KEP-2579): refuses pods that break the level which their namespace enforces, warns of those that break
 * the level it warns of, and notes in the audit event those that break the level it audits. What makes pods is warned
 * of and noted, never refused.
 */
export function podSecurity(
  cache: WatchCache,
  clock: Clock,
  options: PodSecurityOptions = podSecurityDefaults,
): AdmissionPlugin {
  const { defaults, exemptions } = options;

  async function namespacePolicy(name: string) {
    // As it is now: a function that slept would go on letting in what the namespace was closed to meanwhile.
    const namespace = await current<Namespace>(cache, 'namespaces', name);
    if (!namespace) throw internal(new Error(`failed to lookup namespace "${name}"`));
    return policyOf(namespace.metadata.labels, defaults);
  }

  function exemption({ namespace, user }: AdmissionAttributes): string | undefined {
    if (exemptions.namespaces.includes(namespace)) return 'namespace';
    return exemptions.usernames.includes(user.username) ? 'user' : undefined;
  }

  async function validateNamespace(attributes: AdmissionAttributes): Promise<void> {
    const { object, oldObject, entry, name, warnings, operation } = attributes;
    const labels = object?.metadata.labels;
    const { policy, errors } = policyOf(labels, defaults);
    const before = oldObject ? policyOf(oldObject.metadata.labels, defaults) : undefined;
    // Labels that were wrong before do not keep the namespace from other changes.
    if (errors.length > 0 && (!before || goJson(before.errors) !== goJson(errors))) {
      throw invalid({ group: '', kind: entry.definition.kind }, name, errors);
    }
    const isExempt = exemptions.namespaces.includes(name);
    if (operation === 'CREATE') {
      if (isExempt) warnings.push(...exemptWarning(name, policy, labels ?? {}));
      return;
    }
    if (!before) return;
    const { enforce } = policy;
    const was = before.policy.enforce;
    const isRelaxed = enforce.version === was.version && compareLevels(enforce.level, was.level) <= 0;
    if (sameLevelVersion(enforce, was) || enforce.level === 'privileged' || isRelaxed) return;
    if (isExempt) warnings.push(...exemptWarning(name, policy, labels ?? {}));
    else warnings.push(...(await existingPodWarnings({ cache, clock, exemptions }, name, enforce)));
  }

  /** An exempt namespace that asks for more than it gets is told so. */
  function exemptWarning(name: string, policy: Policy, labels: Readonly<Record<string, string>>): string[] {
    const same = modes.every((mode) => sameLevelVersion(policy[mode], defaults[mode]));
    if (isPrivileged(policy) || same) return [];
    const said = modes
      .filter((mode) => policy[mode].level !== 'privileged')
      .filter((mode) => `${labelPrefix}${mode}` in labels || `${labelPrefix}${mode}-version` in labels)
      .map((mode) => `${mode}=${levelVersionText(policy[mode])}`);
    return [
      `namespace "${name}" is exempt from Pod Security, and the policy (${said.join(', ')}) will be ignored`,
    ];
  }

  async function evaluate(attributes: AdmissionAttributes, pod: PodLike, isEnforced: boolean): Promise<void> {
    const { warnings, entry, name, auditAnnotations } = attributes;
    const exempt = exemption(attributes);
    if (exempt) {
      auditAnnotations[`${labelPrefix}exempt`] = exempt;
      return;
    }
    const { policy, errors } = await namespacePolicy(attributes.namespace);
    if (errors.length === 0 && isPrivileged(policy)) return;
    const { runtimeClassName } = pod.spec;
    if (runtimeClassName && exemptions.runtimeClasses.includes(runtimeClassName)) {
      auditAnnotations[`${labelPrefix}exempt`] = 'runtimeClass';
      return;
    }
    const known = new Map<string, Finding[]>();
    const findings = (against: LevelVersion): Finding[] => {
      const text = levelVersionText(against);
      const found = known.get(text) ?? evaluatePod(against, pod);
      known.set(text, found);
      return found;
    };
    const audited = findings(policy.audit);
    if (audited.length > 0) {
      auditAnnotations[`${labelPrefix}audit-violations`] = violation('would violate', policy.audit, audited);
    }
    if (isEnforced) {
      auditAnnotations[`${labelPrefix}enforce-policy`] = levelVersionText(policy.enforce);
      const refused = findings(policy.enforce);
      if (refused.length > 0) {
        throw forbidden(entry.groupResource, name, violation('violates', policy.enforce, refused));
      }
    }
    const warned = findings(policy.warn);
    if (warned.length > 0) warnings.push(violation('would violate', policy.warn, warned));
  }

  return {
    name: 'PodSecurity',
    async validate(attributes) {
      const { entry, operation, subresource, object, oldObject } = attributes;
      const { group, plural } = entry.definition;
      if (!object || (operation !== 'CREATE' && operation !== 'UPDATE')) return;
      if (group === '' && plural === 'namespaces') {
        if (subresource === '') await validateNamespace(attributes);
      } else if (group === '' && plural === 'pods') {
        if (harmless.has(subresource)) return;
        const pod = object as unknown as Pod;
        if (oldObject && !isSignificant(pod, oldObject as unknown as Pod)) return;
        await evaluate(attributes, pod, true);
      } else if (subresource === '') {
        const key = `${plural}.${group}`;
        const template = Object.hasOwn(templates, key) ? templates[key]?.(object) : undefined;
        if (template?.spec) {
          await evaluate(attributes, { metadata: template.metadata ?? {}, spec: template.spec }, false);
        }
      }
    },
  };
}

function violation(verb: string, against: LevelVersion, findings: readonly Finding[]): string {
  return `${verb} PodSecurity "${levelVersionText(against)}": ${detailsText(findings)}`;
}

/** Whether an update brings containers or images that have not been looked at. */
function isSignificant({ spec }: Pod, { spec: old }: Pod): boolean {
  const imagesOf = (containers: readonly { name: string; image?: string }[] = []) =>
    containers.map(({ image }) => image).join('\n');
  if (imagesOf(spec.containers) !== imagesOf(old.containers)) return true;
  if (imagesOf(spec.initContainers) !== imagesOf(old.initContainers)) return true;
  return (spec.ephemeralContainers ?? []).some(
    ({ name, image }) => old.ephemeralContainers?.find((before) => before.name === name)?.image !== image,
  );
}
