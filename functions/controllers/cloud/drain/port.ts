import type { LifecycleAction } from './request.ts';

export interface ScalingGroups {
  /** Lets the machine go. One that is gone already is as good. */
  complete(action: LifecycleAction): Promise<void>;
}
