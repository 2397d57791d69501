import { maxNodeScore } from '../framework/plugin.ts';

/** Scales scores, in place, so that the largest becomes 100; `reverse` then turns them around. All zero stays so, or becomes 100. */
export function scaleToLargest(scores: number[], reverse: boolean): void {
  let largest = 0;
  for (const score of scores) if (score > largest) largest = score;
  for (let i = 0; i < scores.length; i++) {
    const scaled = largest === 0 ? 0 : Math.floor(((scores[i] as number) * maxNodeScore) / largest);
    scores[i] = reverse ? maxNodeScore - scaled : scaled;
  }
}
