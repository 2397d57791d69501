import { maxNodeScore } from '../framework/plugin.ts';

export interface WeightedResource {
  name: string;
  weight: number;
}

export interface ShapePoint {
  /** Percent, 0 to 100. */
  utilization: number;
  /** 0 to 10. */
  score: number;
}

/** A score of 0 to 100 from what would be used and what there is, a resource at a time; what a node lacks has 0 of it. */
export type ResourceScorer = (requested: readonly number[], allocatable: readonly number[]) => number;

/** The more is left, the better. */
export function leastAllocated(resources: readonly WeightedResource[]): ResourceScorer {
  return weightedMean(resources, (requested, capacity) =>
    requested > capacity ? 0 : Math.floor(((capacity - requested) * maxNodeScore) / capacity),
  );
}

/** The fuller, the better: for packing. */
export function mostAllocated(resources: readonly WeightedResource[]): ResourceScorer {
  return weightedMean(resources, (requested, capacity) =>
    Math.floor((Math.min(requested, capacity) * maxNodeScore) / capacity),
  );
}

function weightedMean(
  resources: readonly WeightedResource[],
  scoreOf: (requested: number, capacity: number) => number,
): ResourceScorer {
  return (requested, allocatable) => {
    let sum = 0;
    let weights = 0;
    for (let i = 0; i < resources.length; i++) {
      const capacity = allocatable[i] as number;
      if (capacity === 0) continue;
      const { weight } = resources[i] as WeightedResource;
      sum += scoreOf(requested[i] as number, capacity) * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.floor(sum / weights);
  };
}

/** A score read off a line through the shape's points, by utilization. Resources with a score of 0 do not count. */
export function requestedToCapacityRatio(
  resources: readonly WeightedResource[],
  shape: readonly ShapePoint[],
): ResourceScorer {
  // The shape's scores reach to 10, a node's to 100.
  const points = shape.map(({ utilization, score }) => ({ utilization, score: (score * maxNodeScore) / 10 }));
  return (requested, allocatable) => {
    let sum = 0;
    let weights = 0;
    for (let i = 0; i < resources.length; i++) {
      const capacity = allocatable[i] as number;
      if (capacity === 0) continue;
      const used = requested[i] as number;
      const score = onLine(points, used > capacity ? 100 : Math.floor((used * 100) / capacity));
      if (score <= 0) continue;
      const { weight } = resources[i] as WeightedResource;
      sum += score * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.round(sum / weights);
  };
}

function onLine(points: readonly ShapePoint[], utilization: number): number {
  for (let i = 0; i < points.length; i++) {
    const to = points[i] as ShapePoint;
    if (utilization > to.utilization) continue;
    const from = points[i - 1];
    if (!from) return to.score;
    const rise = (to.score - from.score) * (utilization - from.utilization);
    return from.score + Math.trunc(rise / (to.utilization - from.utilization));
  }
  return points.at(-1)?.score ?? 0;
}

/** The closer the fractions in use of the resources are to each other, the better: 100 less their standard deviation. */
export function balanced(requested: readonly number[], allocatable: readonly number[]): number {
  const fractions: number[] = [];
  for (let i = 0; i < requested.length; i++) {
    const capacity = allocatable[i] as number;
    if (capacity !== 0) fractions.push(Math.min(1, (requested[i] as number) / capacity));
  }
  return Math.trunc((1 - deviation(fractions)) * maxNodeScore);
}

function deviation(fractions: readonly number[]): number {
  if (fractions.length < 2) return 0;
  if (fractions.length === 2) return Math.abs(((fractions[0] as number) - (fractions[1] as number)) / 2);
  const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length;
  const squares = fractions.reduce((sum, fraction) => sum + (fraction - mean) * (fraction - mean), 0);
  return Math.sqrt(squares / fractions.length);
}
