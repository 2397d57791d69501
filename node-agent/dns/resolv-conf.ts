import { readFile } from 'node:fs/promises';

/** The name servers that a resolv.conf names (resolv.conf(5)). Throws when the file cannot be read. */
export async function readResolvers(file: string): Promise<string[]> {
  return [...(await readFile(file, 'utf8')).matchAll(/^\s*nameserver\s+(\S+)/gm)].map(
    ([, address]) => address ?? '',
  );
}
