/** Which representation a client gets (API concepts, "Alternate representations"; RFC 9110, 12.5.1). */
import { notAcceptable } from '../../../lib/api/status.ts';

/** What the answer's object is turned into before it is written. */
export type Transform =
  | { as: 'object' }
  | { as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'; version: 'v1' | 'v1beta1' };

export const jsonType = 'application/json';
export const yamlType = 'application/yaml';
export const protobufType = 'application/vnd.kubernetes.protobuf';

export interface Representation {
  mediaType: typeof jsonType | typeof yamlType | typeof protobufType;
  transform: Transform;
  pretty: boolean;
}

export const acceptedMediaTypes = [jsonType, yamlType, protobufType];

interface Clause {
  type: string;
  parameters: Map<string, string>;
  q: number;
}

/**
 * The best representation that `Accept` allows. Without the header, or with one that allows anything, JSON.
 * Table and PartialObjectMetadata are chosen only where `transforms` says the endpoint has them.
 * @throws KumulusError NotAcceptable
 */
export function negotiate(
  accept: string | undefined,
  options: { transforms: boolean; query: URLSearchParams; userAgent: string | undefined },
): Representation {
  const pretty = wantsPretty(options.query, options.userAgent);
  if (!accept || accept === 'application/json' || accept === '*/*') {
    return { mediaType: 'application/json', transform: { as: 'object' }, pretty };
  }
  for (const clause of clausesOf(accept)) {
    const mediaType = mediaTypeFor(clause.type);
    if (!isKnown(clause, mediaType)) continue;
    const transform = transformFor(clause, options.transforms);
    // Tables have no protobuf form; clients that ask for one list JSON after it.
    if (mediaType === protobufType && transform?.as === 'Table') continue;
    if (mediaType && transform) return { mediaType, transform, pretty };
  }
  throw notAcceptable(acceptedMediaTypes);
}

function mediaTypeFor(type: string): Representation['mediaType'] | undefined {
  if (type === 'application/json' || type === '*/*' || type === 'application/*') return 'application/json';
  if (type === 'application/yaml' || type === 'application/x-yaml') return 'application/yaml';
  return type === protobufType ? protobufType : undefined;
}

/** `stream` and `sv` are asked for by what there is of them; YAML does not stream. */
function isKnown({ parameters }: Clause, mediaType: Representation['mediaType'] | undefined): boolean {
  const stream = parameters.get('stream');
  if (stream && (stream !== 'watch' || mediaType === yamlType)) return false;
  const serverVersion = parameters.get('sv');
  return !serverVersion || serverVersion === 'v1';
}

function transformFor({ parameters }: Clause, allowed: boolean): Transform | undefined {
  const as = parameters.get('as');
  const version = parameters.get('v');
  // A group or a version of no kind names nothing that could be had.
  if (as === undefined && version === undefined && !parameters.has('g')) return { as: 'object' };
  if (!allowed || parameters.get('g') !== 'meta.k8s.io') return undefined;
  if (version !== 'v1' && version !== 'v1beta1') return undefined;
  if (as !== 'Table' && as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList')
    return undefined;
  return { as, version };
}

/** The clauses of an Accept header, best first; equal ones stay in the client's order. */
function clausesOf(accept: string): Clause[] {
  return accept
    .split(',')
    .map((text) => {
      const [type = '', ...rest] = text.split(';').map((part) => part.trim());
      const parameters = new Map<string, string>();
      for (const parameter of rest) {
        const at = parameter.indexOf('=');
        if (at > 0)
          parameters.set(parameter.slice(0, at).trim().toLowerCase(), parameter.slice(at + 1).trim());
      }
      const q = Number(parameters.get('q') ?? '1');
      return { type: type.toLowerCase(), parameters, q: Number.isFinite(q) ? q : 1 };
    })
    .filter((clause) => clause.q > 0)
    .toSorted((a, b) => b.q - a.q);
}

/** Indented where the client asks, or where it is a person with a browser, curl or wget. */
function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get('pretty');
  // The words that Go takes for true.
  if (asked) return /^(1|t|T|TRUE|true|True)$/.test(asked);
  return /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent ?? '');
}
