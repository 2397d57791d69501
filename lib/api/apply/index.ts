export { type ApplyRequest, apply } from './apply.ts';
export type { FieldSet } from './field-set.ts';
export { managerName } from './manager-name.ts';
export { ignoredFields, type UpdateRequest, updateManagers } from './update.ts';
