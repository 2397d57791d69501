/** MutatingAdmissionPolicy (KEP-3962): expressions that make patches of what is written. */
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../../lib/api/gen/types.ts';
import type { JsonObject, KubeObject } from '../../../../lib/api/object.ts';
import { equalJson } from '../../../../lib/api/patch/index.ts';
import { qualified } from '../../../../lib/api/status.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import { KumulusError, messageOf } from '../../../../lib/errors.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../pipeline/admission.ts';
import type { RegistryEntry } from '../../registry/registry.ts';
import { versionConverter } from '../../registry/conversion/versions.ts';
import { activationFor, inForm } from './activation.ts';
import { type AuthorizerValues, authorizerValues } from './authorizer.ts';
import { Budget, evaluate, OutOfBudget } from './budget.ts';
import { type CompiledMutating, compiledMutating } from './compiled.ts';
import { matchConditionsHold } from './conditions.ts';
import type { MutatingHook } from './current-policies.ts';
import { isExempt, match } from './match.ts';
import { collectParams, ConfigurationError, paramEntry } from './params.ts';
import { matchContext, type PolicyParts, subjectNamespace } from './parts.ts';
import { PatchError, patched } from './patch.ts';
import { loadRuntime, type PolicyRuntime } from './runtime.ts';

/** A policy with one binding and one object of params. */
interface Invocation {
  policy: MutatingAdmissionPolicy;
  binding: MutatingAdmissionPolicyBinding;
  param: KubeObject | undefined;
  /** The form in which the policy asked for the request. */
  entry: RegistryEntry;
}

interface Failure {
  policy: MutatingAdmissionPolicy;
  binding: MutatingAdmissionPolicyBinding | undefined;
  message: string;
}

/** What the second round of a request has to know of the first one. */
interface Round {
  /** Invocations that may run again, by key. */
  before: Set<string>;
  again: Set<string>;
  output: JsonObject | undefined;
}

export function mutatingAdmissionPolicies(parts: PolicyParts): AdmissionPlugin {
  const rounds = new WeakMap<object, Round>();
  return {
    name: 'MutatingAdmissionPolicy',
    async mutate(attributes) {
      const { mutating } = parts.policies.fresh ?? (await parts.policies.load());
      if (mutating.length === 0 || isExempt(attributes)) return;
      const failures: Failure[] = [];
      const invocations = await invocationsOf(parts, attributes, mutating, failures);
      if (invocations.length > 0) {
        const round = rounds.get(attributes) ?? { before: new Set(), again: new Set(), output: undefined };
        rounds.set(attributes, round);
        await new Mutation(parts, attributes, round, failures).run(invocations);
      }
      refuse(attributes, failures);
    },
  };
}

async function invocationsOf(
  parts: PolicyParts,
  attributes: AdmissionAttributes,
  hooks: readonly MutatingHook[],
  failures: Failure[],
): Promise<Invocation[]> {
  const context = matchContext(parts, attributes);
  const invocations: Invocation[] = [];
  for (const { policy, bindings } of hooks) {
    const fail = (error: unknown, binding?: MutatingAdmissionPolicyBinding) => {
      if (!(error instanceof ConfigurationError) && !(error instanceof KumulusError)) throw error;
      const message = `failed to configure ${binding ? 'binding' : 'policy'}: ${messageOf(error)}`;
      failures.push({ policy, binding, message });
    };
    let matched: Awaited<ReturnType<typeof match>>;
    let kind: RegistryEntry | undefined;
    try {
      matched = await match(context, policy.spec.matchConstraints);
      if (!matched) continue;
      kind = paramEntry(parts.registry, policy.spec.paramKind);
    } catch (error) {
      fail(error);
      continue;
    }
    for (const binding of bindings) {
      try {
        if (!(await match(context, binding.spec.matchResources))) continue;
        const { paramRef } = binding.spec;
        const params = await collectParams(parts.cache, kind, paramRef, attributes.namespace);
        for (const param of params) invocations.push({ policy, binding, param, entry: matched.entry });
      } catch (error) {
        fail(error, binding);
      }
    }
  }
  return invocations;
}

/** One round of all policies over one request. */
class Mutation {
  readonly #parts: PolicyParts;
  readonly #attributes: AdmissionAttributes;
  readonly #round: Round;
  readonly #failures: Failure[];

  constructor(parts: PolicyParts, attributes: AdmissionAttributes, round: Round, failures: Failure[]) {
    this.#parts = parts;
    this.#attributes = attributes;
    this.#round = round;
    this.#failures = failures;
  }

  async run(invocations: readonly Invocation[]): Promise<void> {
    const runtime = await loadRuntime();
    const { reinvocation } = this.#attributes;
    const isAgain = reinvocation?.isAgain === true;
    const round = this.#round;
    // Others have changed what policies made: those that want to hear of it do.
    if (isAgain && !equalJson(this.#snapshot(), round.output)) this.#callAgain();
    const authorizer = authorizerValues(runtime, this.#parts.authorizer, this.#attributes);
    let isChanged = false;
    for (const invocation of invocations) {
      const key = keyOf(invocation);
      if (isAgain && !round.again.has(key)) continue;
      if (await this.#invoke(runtime, invocation, authorizer)) {
        isChanged = true;
        this.#callAgain();
        if (reinvocation) reinvocation.isWanted = true;
      }
      if (invocation.policy.spec.reinvocationPolicy === 'IfNeeded') round.before.add(key);
    }
    if (isChanged) this.#callAgain();
    round.output = this.#snapshot();
  }

  #snapshot(): JsonObject | undefined {
    const { object } = this.#attributes;
    return object && ({ ...object } as unknown as JsonObject);
  }

  #callAgain(): void {
    for (const key of this.#round.before) this.#round.again.add(key);
    this.#round.before.clear();
  }

  /** Whether the object has changed. */
  async #invoke(
    runtime: PolicyRuntime,
    invocation: Invocation,
    authorizer: AuthorizerValues,
  ): Promise<boolean> {
    const { policy, binding, param, entry } = invocation;
    const attributes = this.#attributes;
    const compiled: CompiledMutating = compiledMutating(runtime, policy);
    const namespace = await subjectNamespace(matchContext(this.#parts, attributes));
    const values = () => ({
      attributes,
      entry,
      namespace,
      ...inForm(this.#parts.registry, entry, attributes),
    });
    const parts = { param, authorizer };
    const holds = await matchConditionsHold(runtime, compiled.matchConditions, values(), parts);
    if (holds === false) return false;
    if (typeof holds === 'object') {
      this.#failures.push({ policy, binding, message: holds.error });
      return false;
    }
    let isChanged = false;
    for (const [index, mutation] of compiled.mutations.entries()) {
      if (!attributes.object) continue;
      const before = values();
      if (!before.object) continue;
      const named = activationFor(runtime, before, { ...parts, variables: compiled.variables });
      try {
        const result = await evaluate(runtime, mutation, named, Budget.forEvaluation());
        if ('error' in result) throw new PatchError(result.error);
        const type = policy.spec.mutations?.[index]?.patchType ?? '';
        const after = patched(runtime, type, result.value, before.object, entry.definition.schema);
        if (after === before.object || equalJson(after, before.object)) continue;
        this.#write(after, entry);
        isChanged = true;
      } catch (error) {
        if (!(error instanceof PatchError) && !(error instanceof OutOfBudget)) throw error;
        this.#failures.push({ policy, binding, message: error.message });
      }
    }
    return isChanged;
  }

  /** The object itself becomes what the patch made: others hold on to it. */
  #write(made: JsonObject, entry: RegistryEntry): void {
    const { object, entry: own } = this.#attributes;
    if (!object) return;
    const convert = entry === own ? undefined : versionConverter(this.#parts.registry, own);
    const next = convert?.(made, own.apiVersion)?.object ?? made;
    for (const field of Object.keys(object)) if (!Object.hasOwn(next, field)) delete object[field];
    Object.assign(object, next);
    if (this.#attributes.subresource === '' || this.#attributes.subresource === 'status') {
      own.strategy.rules.applyDefaults(object);
    }
  }
}

function keyOf({ policy, binding, param }: Invocation): string {
  const { namespace = '', name = '' } = param?.metadata ?? {};
  return JSON.stringify([policy.metadata.name, binding.metadata.name, namespace, name]);
}

/** @throws KumulusError that says all that went wrong with policies whose failures count */
function refuse({ entry, name, object }: AdmissionAttributes, failures: readonly Failure[]): void {
  const counted = failures.filter(({ policy }) => policy.spec.failurePolicy !== 'Ignore');
  if (counted.length === 0) return;
  const messages = counted.map(({ policy, binding, message }) =>
    binding
      ? `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${message}`
      : `policy ${quote(policy.metadata.name ?? '')} denied request: ${message}`,
  );
  const { group, plural } = entry.definition;
  const shown = name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown';
  throw new KumulusError('Forbidden', messages[0] ?? qualified(entry.groupResource), {
    details: {
      name: shown,
      ...(group && { group }),
      kind: plural,
      causes: messages.map((message) => ({ message })),
    },
  });
}
