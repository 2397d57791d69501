export { type Decoded, type DecodeOptions, decodeBody, type FieldValidation, strictMessage } from './body.ts';
export { type Conformed, conform, DecodeError } from './conform.ts';
export { type ParsedYaml, parseYaml, readYaml } from './yaml.ts';
