/** Completion indexes of an Indexed Job (KEP-2214): which index a pod has, and sets of them as a status writes them. */
import type { Pod } from '../../../lib/api/gen/types.ts';
import { readableIntervals } from '../../../lib/api/kinds/batch/indexes.ts';

/** On pods, as an annotation and as a label. */
export const completionIndexKey = 'batch.kubernetes.io/job-completion-index';

/** Undefined where the pod has none, or one that the Job does not have. */
export function indexOf(pod: Pod, completions: number): number | undefined {
  const text = pod.metadata.annotations?.[completionIndexKey];
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const index = Number(text);
  return index < completions ? index : undefined;
}

/** `1,3-5`. What cannot be read, or is beyond the Job's completions, is left out. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  // Indexes past the end are of a Job that was made smaller (KEP-3715).
  for (const [first, last] of readableIntervals(text ?? '', Number.POSITIVE_INFINITY)) {
    for (let index = first; index <= Math.min(last, completions - 1); index++) indexes.add(index);
  }
  return indexes;
}

/** Three and more in a row as a range, two by themselves. */
export function formatIndexes(indexes: Iterable<number>): string {
  const parts: string[] = [];
  const sorted = [...indexes].sort((a, b) => a - b);
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++;
    const [first, last] = [sorted[start], sorted[end]];
    if (start === end) parts.push(`${first}`);
    else parts.push(end === start + 1 ? `${first},${last}` : `${first}-${last}`);
    start = end + 1;
  }
  return parts.join(',');
}
