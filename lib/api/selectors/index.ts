export { checkFieldSelector, selectableField } from './field-labels.ts';
export {
  exactField,
  type FieldRequirement,
  type FieldSelector,
  formatFieldSelector,
  matchesFields,
  parseFieldSelector,
} from './field-selector.ts';
export {
  everything,
  exactLabel,
  formatSelector,
  matchesLabels,
  nothing,
  parseLabelSelector,
  type Selector,
  selectorFromLabels,
  selectorFromObject,
  selectsEverything,
  validateLabelSelector,
  validateLabels,
} from './label-selector.ts';
export type { Labels, Operator, Requirement } from './requirement.ts';
