/** Writes `lib/api/gen/types.ts`: the API's objects as JSON has them (times are strings), one interface a model. */
import type { Model, ModelProperty } from './model.ts';
import { typeName } from './model.ts';

export function renderTypes(models: Map<string, Model>): string {
  const lines = [
    '// Made by `npm run generate` from the published Kubernetes API model. Do not edit.',
    '',
    'export type IntOrString = number | string;',
    '/** A resource quantity as written: `100m`, `1Gi`. */',
    'export type Quantity = string;',
  ];
  for (const model of models.values()) lines.push('', ...renderModel(model, models));
  return `${lines.join('\n')}\n`;
}

function renderModel(model: Model, models: Map<string, Model>): string[] {
  const names = new Set(model.properties.map(({ name }) => name));
  const isRoot = names.has('apiVersion') && names.has('kind') && names.has('metadata');
  const lines = [`export interface ${typeName(model.className)} {`];
  for (const property of model.properties) {
    // Decoding gives every object its metadata, and validation its spec; a type that says so spares every reader a check.
    const filled = (isRoot && property.name === 'metadata') || property.name === 'spec';
    const optional = property.required || filled ? '' : '?';
    lines.push(
      `  ${property.name.replace(/^.*[^\w].*$/, "'$&'")}${optional}: ${renderType(property, models)};`,
    );
  }
  lines.push('}');
  return lines;
}

function renderType(property: ModelProperty, models: Map<string, Model>): string {
  return property.type
    .replaceAll(/\{ \[key: string\]: (.*?);? \}/g, 'Record<string, $1>')
    .replaceAll(/\bDate\b|\bV1MicroTime\b/g, 'string')
    .replaceAll(/\bany\b|\bobject\b/g, 'unknown')
    .replaceAll(/\b[A-Z]\w+/g, (word) => (models.has(word) ? typeName(word) : word))
    .trim();
}
