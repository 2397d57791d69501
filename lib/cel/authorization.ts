/** Match conditions of an AuthorizationConfiguration: about the `spec` of a SubjectAccessReview of v1 (KEP-3221). */
import type { JsonValue } from '../api/object.ts';
import { compile } from './compile.ts';
import { type Environment, kubernetesFunctions } from './environment.ts';
import { type Outcome, prepare, runNow } from './program.ts';
import { fromJson } from './run/values.ts';
import { type CelType, listOf, mapOf, string } from './types.ts';

const object = (name: string): CelType => ({ kind: 'object', name: `kubernetes.${name}` });
const strings = listOf(string);

const requirement = { key: string, operator: string, values: strings };
const selector = (of: string) => ({ rawSelector: string, requirements: listOf(object(of)) });
const types: Readonly<Record<string, Readonly<Record<string, CelType>>>> = {
  SubjectAccessReviewSpec: {
    resourceAttributes: object('ResourceAttributes'),
    nonResourceAttributes: object('NonResourceAttributes'),
    user: string,
    groups: strings,
    extra: mapOf(string, strings),
    uid: string,
  },
  ResourceAttributes: {
    namespace: string,
    verb: string,
    group: string,
    version: string,
    resource: string,
    subresource: string,
    name: string,
    fieldSelector: object('FieldSelectorAttributes'),
    labelSelector: object('LabelSelectorAttributes'),
  },
  NonResourceAttributes: { path: string, verb: string },
  FieldSelectorAttributes: selector('FieldSelectorRequirement'),
  LabelSelectorAttributes: selector('LabelSelectorRequirement'),
  FieldSelectorRequirement: requirement,
  LabelSelectorRequirement: requirement,
};

const environment: Environment = {
  variables: new Map([['request', object('SubjectAccessReviewSpec')]]),
  functions: kubernetesFunctions,
  objects: new Map(
    Object.entries(types).map(([name, fields]) => [`kubernetes.${name}`, new Map(Object.entries(fields))]),
  ),
};

export interface ReviewCondition {
  source: string;
  /** Never throws for what the expression does. */
  run(spec: JsonValue): Outcome;
}

/** An expression that yields true or false. */
export function reviewCondition(source: string): ReviewCondition | { problem: string } {
  const compiled = compile(environment, source, ['bool']);
  if ('problem' in compiled) return compiled;
  const program = prepare(environment, source);
  return {
    source,
    run(spec) {
      const request = fromJson(spec);
      return runNow(program, (name) => (name === 'request' ? request : undefined));
    },
  };
}
