/** Running expressions that compile; apart from `index.ts`, as it brings all functions with it. */
export { admissionEnvironment } from './admission.ts';
export { compile } from './compile.ts';
export { type Outcome, prepare, type Program, run, runNow } from './program.ts';
export { type Activation, Pending } from './run/evaluate.ts';
export {
  type Answer,
  type Ask,
  AuthorizerValue,
  type Question,
  ResourceCheck,
} from './run/library/authorization.ts';
export {
  CelError,
  type CelValue,
  fromJson,
  lazyFields,
  ObjectValue,
  toJson,
  typeNameOf,
} from './run/values.ts';
