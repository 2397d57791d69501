import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';

export type Volume = Persisted<PersistentVolume>;
export type Claim = Persisted<PersistentVolumeClaim>;

/** What the plans go by. */
export interface StorageWorld {
  claim(key: string): Claim | undefined;
  volume(name: string): Volume | undefined;
  /** Volumes whose `claimRef` names the claim. */
  reservedFor(claim: Claim): readonly Volume[];
  volumesOfClass(name: string): readonly Volume[];
  storageClass(name: string): Persisted<StorageClass> | undefined;
  storageClasses(): readonly Persisted<StorageClass>[];
  /** Names of the pods that mount the claim and are on no node yet. */
  waitingPods(claim: Claim): readonly string[];
}

export interface Note {
  about: Claim | Volume;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** One write. The next one follows from what the world is like then, so that it does not matter where the controller dies. */
export type Write =
  | { to: 'claim'; object: Claim; subresource?: 'status' }
  | { to: 'volume'; object: Volume; subresource?: 'status' };

export interface Step {
  /** Undefined: there is nothing to write now. */
  write?: Write;
  /** Said once the write has succeeded. */
  note?: Note;
  /** Claims to look at next. */
  claims?: readonly string[];
}
