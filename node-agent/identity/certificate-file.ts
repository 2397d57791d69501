/**
 * A certificate and its key in one file, as kubelet keeps them, so that one rename replaces both: whoever is killed at any
 * moment finds the old pair or the new one. A key that waits for its certificate lies beside it, so that the next start
 * asks on instead of asking anew.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type CertifiedKey, createSigningKey } from '../../lib/certificates/index.ts';

export interface CertificateFile {
  path: string;
  /** Undefined: there is none yet, or what is there cannot be used. */
  current(): CertifiedKey | undefined;
  /** The key that the next certificate is asked for; made when there is none. */
  nextKey(): Promise<string>;
  /** @throws Error unless the certificate is the next key's */
  accept(certificate: string): CertifiedKey;
  /** Takes a pair that was made elsewhere. @throws Error unless they belong together */
  put(pair: CertifiedKey): void;
  /** What was asked for will not be given: the next request is for another key. */
  abandon(): void;
}

export function openCertificateFile(path: string): CertificateFile {
  const waiting = `${path}.next-key`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let current = readPair(path);
  const put = (pair: CertifiedKey) => {
    replaceFile(path, `${pair.certificate.trim()}\n${pair.key}`);
    rmSync(waiting, { force: true });
    current = pair;
  };
  return {
    path,
    current: () => current,
    async nextKey() {
      const kept = readIfThere(waiting);
      if (kept !== undefined && isKey(kept)) return kept;
      const key = await createSigningKey();
      replaceFile(waiting, key);
      return key;
    },
    accept(certificate) {
      const pair = { certificate, key: readFileSync(waiting, 'utf8') };
      if (!belongTogether(pair)) throw new Error(`the certificate is not one for the key in ${waiting}`);
      put(pair);
      return pair;
    },
    put(pair) {
      if (!belongTogether(pair)) throw new Error(`the certificate for ${path} is not one for its key`);
      put(pair);
    },
    abandon: () => rmSync(waiting, { force: true }),
  };
}

function readPair(path: string): CertifiedKey | undefined {
  const text = readIfThere(path);
  const begin = text?.indexOf('-----BEGIN PRIVATE KEY-----') ?? -1;
  if (text === undefined || begin <= 0) return undefined;
  const pair = { certificate: text.slice(0, begin), key: text.slice(begin) };
  return belongTogether(pair) ? pair : undefined;
}

function belongTogether({ certificate, key }: CertifiedKey): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    // What cannot be read belongs to nothing: it is asked for again.
    return false;
  }
}

function isKey(text: string): boolean {
  try {
    createPrivateKey(text);
    return true;
  } catch {
    return false;
  }
}

/** For its owner alone, and on the disk before its name is. */
export function replaceFile(path: string, content: string): void {
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
