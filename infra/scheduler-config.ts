import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseConfiguration } from '../functions/scheduler/config/parse.ts';
import { KumulusError, messageOf } from '../lib/errors.ts';

/** What a shell takes as one argument, less a margin: the configuration gets into the bundle by one. */
const maxBytes = 64 * 1024;

/**
 * A KubeSchedulerConfiguration: the path of a YAML or JSON file, or the document itself, as text (several lines, or JSON) or as an
 * object in the context of `cdk.json`. Checked as the scheduler does when it starts, so that no wrong one is deployed.
 */
export function readSchedulerConfig(value: unknown): { json: string } | { errors: string[] } {
  try {
    const document = typeof value === 'string' ? (parse(textOf(value)) as unknown) : value;
    parseConfiguration(document);
    const json = JSON.stringify(document);
    if (Buffer.byteLength(json) <= maxBytes) return { json };
    return { errors: [`Too long: may not be more than ${maxBytes} bytes`] };
  } catch (error) {
    return { errors: problemsOf(error) };
  }
}

function textOf(value: string): string {
  const isDocument = value.includes('\n') || value.trimStart().startsWith('{');
  return isDocument ? value : readFileSync(value, 'utf8');
}

/** Each with its field's path where there is one. */
function problemsOf(error: unknown): string[] {
  const causes = error instanceof KumulusError ? error.details?.causes : undefined;
  if (!causes) return [messageOf(error)];
  return causes.map(({ field, message }) => `${field}: ${message}`);
}
