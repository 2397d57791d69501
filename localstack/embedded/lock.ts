import { identify, readPidFile, removePidFile, writePidFile } from '../../lib/process/identity.ts';
import type { DataDirectory } from './data-directory.ts';

/** Takes the data directory for this process. A directory whose owner was killed is free again. */
export function lockDataDirectory(data: DataDirectory): () => void {
  const owner = readPidFile(data.lock);
  if (owner && owner.pid !== process.pid) {
    throw new Error(
      `a cluster already runs on ${data.root} (process ${owner.pid}). Stop it first, or start this one with another --data-dir and --port.`,
    );
  }
  if (identify(process.pid)) writePidFile(data.lock, process.pid);
  return () => removePidFile(data.lock);
}
