import type { ScopedResourceSelectorRequirement } from '../gen/types.ts';
import type { KubeObject } from '../object.ts';
import type { Amounts } from './amounts.ts';

export type ScopeRequirement = ScopedResourceSelectorRequirement;

export interface QuotaWrite<T extends KubeObject = KubeObject> {
  operation: 'CREATE' | 'UPDATE';
  subresource: string;
  object: T;
  old: T | undefined;
}

/** How objects of one resource type are charged to quotas. */
export interface Evaluator<T extends KubeObject = KubeObject> {
  /** Whether a quota's resource of this name is about objects of the type. */
  isTracked(name: string): boolean;
  /** Whether the write can change what is used. */
  handles(write: QuotaWrite<T>): boolean;
  /** What one object uses, by the names that quotas have for it. */
  usage(object: T, nowMs: number): Amounts;
  /** Whether the object is of the kind that a scope of a quota is about. */
  matchesScope(requirement: ScopeRequirement, object: T): boolean;
  /** What the object fails to say that a quota of these resources needs to know. */
  complaint?(object: T, tracked: readonly string[]): string | undefined;
}
