import type { Architecture } from './archive.ts';

const machines: Record<Architecture, number> = { amd64: 62, arm64: 183 };
const headerBytes = 64 + 56;
const loadAddress = 0x400000n;

/**
 * The smallest ELF64 executable for Linux: a file header, one program header that maps the whole file readable and
 * executable, and the code, which starts at its first byte. (System V ABI, chapters 4 and 5.)
 */
export function elfExecutable(architecture: Architecture, code: Uint8Array): Uint8Array {
  const header = Buffer.alloc(headerBytes);
  const size = BigInt(headerBytes + code.length);
  // e_ident: magic, 64 bits, little endian, version 1, System V.
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  header.writeUInt16LE(2, 16); // e_type: executable
  header.writeUInt16LE(machines[architecture], 18);
  header.writeUInt32LE(1, 20); // e_version
  header.writeBigUInt64LE(loadAddress + BigInt(headerBytes), 24); // e_entry
  header.writeBigUInt64LE(64n, 32); // e_phoff
  header.writeUInt16LE(64, 52); // e_ehsize
  header.writeUInt16LE(56, 54); // e_phentsize
  header.writeUInt16LE(1, 56); // e_phnum
  header.writeUInt16LE(64, 58); // e_shentsize
  header.writeUInt32LE(1, 64); // p_type: load
  header.writeUInt32LE(4 | 1, 68); // p_flags: read, execute
  header.writeBigUInt64LE(0n, 72); // p_offset
  header.writeBigUInt64LE(loadAddress, 80); // p_vaddr
  header.writeBigUInt64LE(loadAddress, 88); // p_paddr
  header.writeBigUInt64LE(size, 96); // p_filesz
  header.writeBigUInt64LE(size, 104); // p_memsz
  header.writeBigUInt64LE(0x10000n, 112); // p_align: the largest page of both machines
  return Buffer.concat([header, code]);
}
