/** ValidatingAdmissionPolicy (KEP-3488): expressions that say which writes are refused, warned of or noted. */
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../../lib/api/gen/types.ts';
import { qualified } from '../../../../lib/api/status.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import { type ErrorKind, KumulusError } from '../../../../lib/errors.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../pipeline/admission.ts';
import { type AuthorizerValues, authorizerValues } from './authorizer.ts';
import { inForm } from './activation.ts';
import { compiledValidating } from './compiled.ts';
import type { ValidatingHook } from './current-policies.ts';
import { type Decision, evaluateValidating } from './evaluate-validating.ts';
import { isExempt, match, type MatchContext } from './match.ts';
import { collectParams, ConfigurationError, paramEntry } from './params.ts';
import { loadRuntime, type PolicyRuntime } from './runtime.ts';
import { matchContext, type PolicyParts, subjectNamespace } from './parts.ts';
import { messageOf } from '../../../../lib/errors.ts';

/** Of one audit annotation; what is longer is cut off. */
const maxAnnotationBytes = 10 * 1024;
const failureAnnotation = 'validation.policy.admission.k8s.io/validation_failure';

interface Denial {
  policy: string;
  binding: string | undefined;
  message: string;
  reason: string;
}

export function validatingAdmissionPolicies(parts: PolicyParts): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    async validate(attributes) {
      const { validating } = parts.policies.fresh ?? (await parts.policies.load());
      if (validating.length === 0 || isExempt(attributes)) return;
      const review = new Review(parts, attributes);
      for (const hook of validating) await review.look(hook);
      review.refuse();
    },
  };
}

/** One request before all policies. */
class Review {
  readonly #parts: PolicyParts;
  readonly #attributes: AdmissionAttributes;
  readonly #context: MatchContext;
  readonly #denials: Denial[] = [];
  #authorizer: AuthorizerValues | undefined;

  constructor(parts: PolicyParts, attributes: AdmissionAttributes) {
    this.#parts = parts;
    this.#attributes = attributes;
    this.#context = matchContext(parts, attributes);
  }

  async look({ policy, bindings }: ValidatingHook): Promise<void> {
    const isFailing = policy.spec.failurePolicy !== 'Ignore';
    const misconfigured = (error: unknown, binding?: ValidatingAdmissionPolicyBinding) => {
      if (!(error instanceof ConfigurationError) && !(error instanceof KumulusError)) throw error;
      if (!isFailing) return;
      this.#denials.push({
        policy: policy.metadata.name ?? '',
        binding: binding?.metadata.name,
        message: `failed to configure ${binding ? 'binding' : 'policy'}: ${messageOf(error)}`,
        reason: 'Invalid',
      });
    };
    let matched: Awaited<ReturnType<typeof match>>;
    let kind: ReturnType<typeof paramEntry>;
    try {
      matched = await match(this.#context, policy.spec.matchConstraints);
      if (!matched) return;
      kind = paramEntry(this.#parts.registry, policy.spec.paramKind);
    } catch (error) {
      misconfigured(error);
      return;
    }
    const annotations = new Map<string, string[]>();
    for (const binding of bindings) {
      let params: Awaited<ReturnType<typeof collectParams>>;
      try {
        if (!(await match(this.#context, binding.spec.matchResources))) continue;
        const { namespace } = this.#attributes;
        params = await collectParams(this.#parts.cache, kind, binding.spec.paramRef, namespace);
      } catch (error) {
        misconfigured(error, binding);
        continue;
      }
      for (const param of params) await this.#evaluate(policy, binding, matched.entry, param, annotations);
    }
    for (const [key, values] of annotations) {
      this.#attributes.auditAnnotations[`${policy.metadata.name}/${key}`] ??= values.join(', ');
    }
  }

  async #evaluate(
    policy: ValidatingAdmissionPolicy,
    binding: ValidatingAdmissionPolicyBinding,
    entry: AdmissionAttributes['entry'],
    param: Awaited<ReturnType<typeof collectParams>>[number],
    annotations: Map<string, string[]>,
  ): Promise<void> {
    const runtime: PolicyRuntime = await loadRuntime();
    const attributes = this.#attributes;
    this.#authorizer ??= authorizerValues(runtime, this.#parts.authorizer, attributes);
    const namespace = await subjectNamespace(this.#context);
    const {
      decisions,
      annotations: made,
      annotationErrors,
    } = await evaluateValidating(
      runtime,
      policy,
      compiledValidating(runtime, policy),
      { attributes, entry, namespace, ...inForm(this.#parts.registry, entry, attributes) },
      { param, authorizer: this.#authorizer },
    );
    for (const [index, decision] of decisions.entries()) {
      if (decision.isDenied) this.#act(policy, binding, decision, index);
    }
    for (const { key, value } of made) {
      const values = annotations.get(key) ?? [];
      const shown = cut(value);
      if (!values.includes(shown)) annotations.set(key, [...values, shown]);
    }
    for (const message of annotationErrors) {
      this.#deny(policy, binding, { isDenied: true, message });
    }
  }

  #act(
    policy: ValidatingAdmissionPolicy,
    binding: ValidatingAdmissionPolicyBinding,
    decision: Decision,
    index: number,
  ): void {
    const [policyName = '', bindingName = ''] = [policy.metadata.name, binding.metadata.name];
    const actions = binding.spec.validationActions ?? [];
    for (const action of actions) {
      if (action === 'Deny') this.#deny(policy, binding, decision);
      else if (action === 'Warn') {
        this.#attributes.warnings.push(
          `Validation failed for ValidatingAdmissionPolicy '${policyName}' with binding '${bindingName}': ${decision.message}`,
        );
      } else if (action === 'Audit') {
        const failure = {
          message: decision.message,
          policy: policyName,
          binding: bindingName,
          expressionIndex: index,
          validationActions: actions,
        };
        // As with all annotations, the first one stays.
        this.#attributes.auditAnnotations[failureAnnotation] ??= JSON.stringify([failure]);
      }
    }
  }

  #deny(
    policy: ValidatingAdmissionPolicy,
    binding: ValidatingAdmissionPolicyBinding,
    { message, reason = 'Invalid' }: Decision,
  ): void {
    this.#denials.push({
      policy: policy.metadata.name ?? '',
      binding: binding.metadata.name,
      message,
      reason,
    });
  }

  /** The first denial is the answer. @throws KumulusError */
  refuse(): void {
    const [first] = this.#denials;
    if (!first) return;
    const by = first.binding === undefined ? '' : ` with binding '${first.binding}'`;
    const message = `ValidatingAdmissionPolicy '${first.policy}'${by} denied request: ${first.message}`;
    throw denied(this.#attributes, kinds[first.reason] ?? 'Invalid', message);
  }
}

const kinds: Readonly<Record<string, ErrorKind>> = {
  Forbidden: 'Forbidden',
  Unauthorized: 'Unauthorized',
  RequestEntityTooLarge: 'RequestEntityTooLarge',
};

function denied(
  { entry, name, object }: AdmissionAttributes,
  kind: ErrorKind,
  message: string,
): KumulusError {
  const { group, plural } = entry.definition;
  const shown = name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown';
  return new KumulusError(
    kind,
    `${qualified(entry.groupResource)} ${quote(shown)} is forbidden: ${message}`,
    {
      details: { name: shown, ...(group && { group }), kind: plural, causes: [{ message }] },
    },
  );
}

function cut(value: string): string {
  const bytes = Buffer.from(value);
  return bytes.length <= maxAnnotationBytes ? value : bytes.subarray(0, maxAnnotationBytes).toString();
}
