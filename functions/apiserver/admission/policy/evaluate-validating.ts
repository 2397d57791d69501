/** What one policy says of one request with one object of params. */
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { ValidatingAdmissionPolicy } from '../../../../lib/api/gen/types.ts';
import { messageOf } from '../../../../lib/errors.ts';
import { activationFor, type RequestValues } from './activation.ts';
import type { AuthorizerValues } from './authorizer.ts';
import { Budget, evaluate, OutOfBudget, type Result } from './budget.ts';
import type { Compiled, CompiledValidating } from './compiled.ts';
import { matchConditionsHold } from './conditions.ts';
import type { PolicyRuntime } from './runtime.ts';

export interface Decision {
  isDenied: boolean;
  message: string;
  reason?: string;
}

export interface Evaluation {
  /** One for each validation; one alone where something kept them from being evaluated. */
  decisions: Decision[];
  annotations: { key: string; value: string }[];
  /** Of annotations; each denies the request where failures do. */
  annotationErrors: string[];
}

const maxMessageBytes = 5 * 1024;

export async function evaluateValidating(
  runtime: PolicyRuntime,
  policy: ValidatingAdmissionPolicy,
  compiled: CompiledValidating,
  values: RequestValues,
  parts: { param: KubeObject | undefined; authorizer: AuthorizerValues },
): Promise<Evaluation> {
  const isFailing = policy.spec.failurePolicy !== 'Ignore';
  const failed = (message: string): Evaluation => ({
    decisions: [{ isDenied: isFailing, message }],
    annotations: [],
    annotationErrors: [],
  });
  const holds = await matchConditionsHold(runtime, compiled.matchConditions, values, parts);
  if (typeof holds === 'object') return failed(holds.error);
  if (!holds) return { decisions: [], annotations: [], annotationErrors: [] };
  const { variables } = compiled;
  const named = activationFor(runtime, values, { ...parts, variables });
  try {
    const budget = Budget.forEvaluation();
    const results: Result[] = [];
    for (const { expression } of compiled.validations) {
      results.push(await evaluate(runtime, expression, named, budget));
    }
    const messages = activationFor(runtime, values, { param: parts.param, variables });
    const decisions: Decision[] = [];
    for (const [index, result] of results.entries()) {
      const validation = policy.spec.validations?.[index];
      if (!validation) continue;
      if ('error' in result) decisions.push({ isDenied: isFailing, message: result.error });
      else if (result.value === true) decisions.push({ isDenied: false, message: '' });
      else {
        const made = compiled.validations[index]?.message;
        let message: string | undefined;
        try {
          message = made && (await evaluatedMessage(runtime, made, messages, budget));
        } catch (error) {
          if (!(error instanceof OutOfBudget)) throw error;
          decisions.push({ isDenied: isFailing, message: `failed messageExpression: ${error.message}` });
          continue;
        }
        message ||= validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
        decisions.push({ isDenied: true, message, reason: validation.reason || 'Invalid' });
      }
    }
    return { decisions, ...(await annotate(runtime, policy, compiled, named, isFailing)) };
  } catch (error) {
    if (error instanceof OutOfBudget) return failed(messageOf(error));
    throw error;
  }
}

/** Undefined where it makes no message that can be shown in one line. */
async function evaluatedMessage(
  runtime: PolicyRuntime,
  compiled: Compiled,
  named: ReturnType<typeof activationFor>,
  budget: Budget,
): Promise<string | undefined> {
  const result = await evaluate(runtime, compiled, named, budget);
  if ('error' in result || typeof result.value !== 'string') return undefined;
  const message = result.value.trim();
  return Buffer.byteLength(message) > maxMessageBytes || message.includes('\n') ? undefined : message;
}

async function annotate(
  runtime: PolicyRuntime,
  { spec }: ValidatingAdmissionPolicy,
  { auditAnnotations }: CompiledValidating,
  named: ReturnType<typeof activationFor>,
  isFailing: boolean,
): Promise<Pick<Evaluation, 'annotations' | 'annotationErrors'>> {
  const annotations: Evaluation['annotations'] = [];
  const annotationErrors: string[] = [];
  const budget = Budget.forEvaluation();
  for (const [index, expression] of auditAnnotations.entries()) {
    const { key = '', valueExpression = '' } = spec.auditAnnotations?.[index] ?? {};
    const result = await evaluate(runtime, expression, named, budget);
    let problem = 'error' in result ? result.error : undefined;
    if ('value' in result && typeof result.value === 'string') {
      const value = result.value.trim();
      if (value !== '') annotations.push({ key, value });
    } else if ('value' in result && result.value !== null) {
      const type = runtime.typeNameOf(result.value);
      problem = `valueExpression '${valueExpression}' resulted in unsupported return type: ${type}. Return type must be either string or null.`;
    }
    if (problem !== undefined && isFailing) annotationErrors.push(problem);
  }
  return { annotations, annotationErrors };
}
