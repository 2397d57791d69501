export {
  type Decoded,
  type DecodeOptions,
  decodeBody,
  type FieldValidation,
  strictMessage,
  yamlProblem,
} from './body.ts';
export { countMembers, strictProblems } from './scan.ts';
export { type Conformed, conform, DecodeError, maxDepth, type TypeWording } from './conform.ts';
export { omitEmpty } from './omit-empty.ts';
export { type ParsedYaml, parseYaml, tryJson } from './yaml.ts';
