export { type ApplyRequest, apply } from './apply.ts';
export type { FieldSet } from './field-set.ts';
export { managerName } from './manager-name.ts';
export { scaleManagers, withScaleManagers } from './scale.ts';
export { ignoredFields, type UpdateRequest, updateManagers } from './update.ts';
export { appliedErrors } from './check-applied.ts';
export { mergeApplied } from './merge.ts';
export { memberSchema, shapeOf } from './shape.ts';
