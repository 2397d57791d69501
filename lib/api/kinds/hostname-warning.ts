import { dns1123Label } from '../validate/formats.ts';

/** What whoever names a workload whose pods are called after it is told when the name is no DNS label. */
export function hostnameWarning(name: string | undefined): string[] {
  const problems = dns1123Label(name ?? '');
  if (problems.length === 0) return [];
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
  ];
}
