import type { KubeObject } from '../api/object.ts';

/**
 * Records what happened to an object as an Event of the core API. Never throws and never waits for the network: a
 * bounded buffer is written behind, the oldest are dropped (and counted in the log) when it is full. The same event
 * seen again raises `count` and `lastTimestamp` of the first one, as client-go's correlator does.
 */
export interface EventRecorder {
  /** `fieldPath` names a part of the object: `spec.containers{app}`. */
  event(
    about: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    fieldPath?: string,
  ): void;
}
