import { notAcceptable } from '../../../lib/api/status.ts';
import type { DiscoveryVersion } from './aggregated.ts';

/** What a client of a discovery endpoint takes: the plain document, or the aggregated one of a version. */
export type DiscoveryForm = 'plain' | DiscoveryVersion;

/**
 * The first clause of `Accept` that can be served, in the order of the header and its q values.
 * @throws KumulusError NotAcceptable
 */
export function discoveryForm(accept: string | undefined): DiscoveryForm {
  if (!accept) return 'plain';
  const clauses = accept
    .split(',')
    .map((text) => {
      const [type = '', ...rest] = text.split(';').map((part) => part.trim().toLowerCase());
      const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string]));
      return { type, parameters, q: Number(parameters.get('q') ?? 1) };
    })
    .filter(({ q }) => q > 0)
    .toSorted((a, b) => b.q - a.q);
  for (const { type, parameters } of clauses) {
    if (!['application/json', 'application/*', '*/*'].includes(type)) continue;
    const as = parameters.get('as');
    if (as === undefined) return 'plain';
    if (as !== 'apigroupdiscoverylist' || parameters.get('g') !== 'apidiscovery.k8s.io') continue;
    const version = parameters.get('v');
    if (version === 'v2' || version === 'v2beta1') return version;
  }
  throw notAcceptable(['application/json']);
}
