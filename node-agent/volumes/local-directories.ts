import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KumulusError } from '../../lib/errors.ts';

/** Directories of this node that are volumes, one for each, by the volume's name. */
export interface LocalDirectories {
  /** Makes it, for anyone to write, where it is not there. Answers its path. Throws Invalid for any other kind of name. */
  create(name: string): Promise<string>;
  /** Removes it with everything in it; nothing where it is not there. */
  remove(name: string): Promise<void>;
}

/** As provisioners name what they make for a claim: nothing in it can lead to another directory. */
const nameFormat = /^pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createLocalDirectories(root: string): LocalDirectories {
  const at = (name: string) => {
    if (nameFormat.test(name)) return join(root, name);
    throw new KumulusError('Invalid', `volume: Invalid value: ${JSON.stringify(name)}: must be pvc-<uid>`);
  };
  return {
    async create(name) {
      const path = at(name);
      // Only root finds its way in; a container sees the one directory that is mounted for it.
      await mkdir(root, { recursive: true, mode: 0o700 });
      await mkdir(path, { recursive: true });
      // Any pod may write, as whichever user it runs; no mask of this process has a say in it.
      await chmod(path, 0o777);
      return path;
    },
    async remove(name) {
      const path = at(name);
      // Out of the way first: what is half removed must not be taken for a volume.
      const leaving = join(root, `.removing-${name}`);
      try {
        await rename(path, leaving);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOTEMPTY' || code === 'EEXIST') await rm(path, { recursive: true, force: true });
        else if (code !== 'ENOENT') throw error;
      }
      // Links are removed, never followed.
      await rm(leaving, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
