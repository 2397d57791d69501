/** Policies made ready to run, once for each version of a policy. */
import type { MutatingAdmissionPolicy, ValidatingAdmissionPolicy } from '../../../../lib/api/gen/types.ts';
import type { CelType } from '../../../../lib/cel/index.ts';
import type { Program } from '../../../../lib/cel/runtime.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { PolicyRuntime } from './runtime.ts';

/** What does not compile any more (a later server may know less) is an error where it is used. */
export type Compiled = Program | { error: string; source: string };

export interface CompiledHead {
  matchConditions: readonly Compiled[];
  variables: ReadonlyMap<string, Compiled>;
}

export interface CompiledValidating extends CompiledHead {
  validations: readonly { expression: Compiled; message: Compiled | undefined }[];
  auditAnnotations: readonly Compiled[];
}

export interface CompiledMutating extends CompiledHead {
  mutations: readonly Compiled[];
}

interface Options {
  hasAuthorizer: boolean;
  hasPatchTypes?: boolean;
  hasVariables?: boolean;
}

function compiler(
  runtime: PolicyRuntime,
  spec: ValidatingAdmissionPolicy['spec'] | MutatingAdmissionPolicy['spec'],
) {
  const types = new Map<string, CelType>();
  const hasParams = spec.paramKind !== undefined;
  const compile = (
    source: string,
    { hasAuthorizer, hasPatchTypes = false, hasVariables = true }: Options,
  ): Compiled => {
    const environment = runtime.admissionEnvironment({
      hasParams,
      hasAuthorizer,
      hasPatchTypes,
      ...(hasVariables && { variables: types }),
    });
    try {
      return runtime.prepare(environment, source);
    } catch (error) {
      if (error instanceof runtime.CelError) return { error: messageOf(error), source };
      throw error;
    }
  };
  const variables = new Map<string, Compiled>();
  for (const { name, expression } of spec.variables ?? []) {
    const compiled = compile(expression, { hasAuthorizer: true });
    variables.set(name, compiled);
    types.set(name, 'error' in compiled ? { kind: 'simple', name: 'dyn' } : compiled.type);
  }
  const matchConditions = (spec.matchConditions ?? []).map(({ expression }) =>
    compile(expression.trim(), { hasAuthorizer: true, hasVariables: false }),
  );
  return { compile, head: { matchConditions, variables } };
}

const validating = new WeakMap<ValidatingAdmissionPolicy, CompiledValidating>();
const mutating = new WeakMap<MutatingAdmissionPolicy, CompiledMutating>();

export function compiledValidating(
  runtime: PolicyRuntime,
  policy: ValidatingAdmissionPolicy,
): CompiledValidating {
  const known = validating.get(policy);
  if (known) return known;
  const { compile, head } = compiler(runtime, policy.spec);
  const compiled = {
    ...head,
    validations: (policy.spec.validations ?? []).map(({ expression, messageExpression }) => ({
      expression: compile(expression.trim(), { hasAuthorizer: true }),
      message: messageExpression?.trim()
        ? compile(messageExpression.trim(), { hasAuthorizer: false })
        : undefined,
    })),
    auditAnnotations: (policy.spec.auditAnnotations ?? []).map(({ valueExpression }) =>
      compile(valueExpression.trim(), { hasAuthorizer: true }),
    ),
  };
  validating.set(policy, compiled);
  return compiled;
}

export function compiledMutating(runtime: PolicyRuntime, policy: MutatingAdmissionPolicy): CompiledMutating {
  const known = mutating.get(policy);
  if (known) return known;
  const { compile, head } = compiler(runtime, policy.spec);
  const compiled = {
    ...head,
    mutations: (policy.spec.mutations ?? []).map(({ applyConfiguration, jsonPatch }) =>
      compile((applyConfiguration ?? jsonPatch)?.expression?.trim() ?? '', {
        hasAuthorizer: true,
        hasPatchTypes: true,
      }),
    ),
  };
  mutating.set(policy, compiled);
  return compiled;
}
