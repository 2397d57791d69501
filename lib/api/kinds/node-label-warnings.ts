/** Labels of nodes that have newer names, and what clients that use the old ones are warned of. */
import type { LabelSelector, NodeSelector } from '../gen/types.ts';
import { own } from '../validate/own.ts';
import type { Path } from '../validate/path.ts';

const deprecated: Readonly<Record<string, readonly [since: string, name: string]>> = {
  'beta.kubernetes.io/arch': ['v1.14', 'kubernetes.io/arch'],
  'beta.kubernetes.io/os': ['v1.14', 'kubernetes.io/os'],
  'failure-domain.beta.kubernetes.io/region': ['v1.17', 'topology.kubernetes.io/region'],
  'failure-domain.beta.kubernetes.io/zone': ['v1.17', 'topology.kubernetes.io/zone'],
  'beta.kubernetes.io/instance-type': ['v1.17', 'node.kubernetes.io/instance-type'],
};

/** The label's present name, where that is another one. */
export function newNameOfNodeLabel(label: string): string | undefined {
  return own(deprecated, label)?.[1];
}

/** `deprecated since v1.14; use "kubernetes.io/os" instead` */
function deprecation(label: string): string | undefined {
  const found = own(deprecated, label);
  return found && `deprecated since ${found[0]}; use "${found[1]}" instead`;
}

export function nodeLabelWarning(label: string, path: Path): string[] {
  const text = deprecation(label);
  return text === undefined ? [] : [`${path.toString()}: ${text}`];
}

export function nodeSelectorWarnings(selector: NodeSelector | undefined, path: Path): string[] {
  return (selector?.nodeSelectorTerms ?? []).flatMap((term, index) =>
    (term.matchExpressions ?? []).flatMap(({ key }, at) => {
      const text = deprecation(key);
      const keyPath = path.child('nodeSelectorTerms').index(index).child('matchExpressions').index(at);
      return text === undefined ? [] : [`${keyPath.child('key').toString()}: ${key} is ${text}`];
    }),
  );
}

/** Where nodes are chosen by a plain label selector. */
export function nodeTopologyWarnings(selector: LabelSelector | undefined, path: Path): string[] {
  return [
    ...(selector?.matchExpressions ?? []).flatMap(({ key }, index) =>
      nodeLabelWarning(key, path.child('matchExpressions').index(index).child('key')),
    ),
    ...Object.keys(selector?.matchLabels ?? {}).flatMap((label) =>
      nodeLabelWarning(label, path.child('matchLabels', label)),
    ),
  ];
}
