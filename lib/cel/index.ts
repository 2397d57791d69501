/** The Common Expression Language as Kubernetes has it: parsing, and checking of types before anything is run. */
export { type AdmissionOptions, admissionEnvironment } from './admission.ts';
export { type IdentityExpression, identityExpression } from './authentication.ts';
export { type ReviewCondition, reviewCondition } from './authorization.ts';
export { compile, type Compiled } from './compile.ts';
export { deviceEnvironment } from './device.ts';
export { type Environment, kubernetesFunctions } from './environment.ts';
export { type CelType, dyn, typeText } from './types.ts';
export { policyTypeWarnings, type TypedKind } from './policy-types.ts';
