import { type Architecture, writeImageArchive } from './archive.ts';
import { elfExecutable } from './elf.ts';

/** The sandbox image. It holds a pod's namespaces open and is the init of a shared process namespace. */
export const pauseImageName = 'kumulus.io/pause:1';

/** Writes the sandbox image's archive, to be imported into the runtime. */
export async function writePauseImage(fileName: string, architecture: Architecture): Promise<void> {
  await writeImageArchive(fileName, {
    name: pauseImageName,
    architecture,
    layer: [{ type: 'file', path: 'pause', mode: 0o755, content: pauseProgram(architecture) }],
    config: { entrypoint: ['/pause'], user: '65535:65535' },
  });
}

/**
 * The sandbox's only program, made from machine code, so that no compiler and no registry is needed:
 *
 *     block(SIGINT, SIGTERM, SIGCHLD)
 *     loop: signal = wait for one of them
 *           if SIGINT or SIGTERM: exit(0)
 *           reap every child that has ended
 *
 * Blocked signals are queued even for process 1, whose default dispositions the kernel would ignore.
 */
export function pauseProgram(architecture: Architecture): Uint8Array {
  return elfExecutable(architecture, architecture === 'amd64' ? amd64() : arm64());
}

/** sigset_t: bit n-1 stands for signal n. SIGINT 2, SIGTERM 15, SIGCHLD 17. */
const signalSet = (1 << 1) | (1 << 14) | (1 << 16);
const setBytes = [...Buffer.from(Uint32Array.of(signalSet, 0).buffer)];

/** Instructions in order: bytes, a label, or a reference that is filled in once every label's place is known. */
type Piece =
  | readonly number[]
  | { label: string }
  | { to: string; size: number; encode(offset: number): number[] };

function assemble(pieces: readonly Piece[]): Uint8Array {
  const places = new Map<string, number>();
  let place = 0;
  for (const piece of pieces) {
    if ('label' in piece) places.set(piece.label, place);
    else place += 'to' in piece ? piece.size : piece.length;
  }
  const code: number[] = [];
  for (const piece of pieces) {
    if ('label' in piece) continue;
    if ('to' in piece) code.push(...piece.encode((places.get(piece.to) ?? Number.NaN) - code.length));
    else code.push(...piece);
  }
  return Uint8Array.from(code);
}

const int32 = (value: number) => [...Buffer.from(Int32Array.of(value).buffer)];

function amd64(): Uint8Array {
  const syscall = [0x0f, 0x05];
  const movEax = (value: number) => [0xb8, ...int32(value)];
  // Offsets count from the end of the instruction.
  const jump = (opcode: number, to: string): Piece => ({
    to,
    size: 2,
    encode: (offset) => [opcode, (offset - 2) & 0xff],
  });
  const lea = (modrm: number, to: string): Piece => ({
    to,
    size: 7,
    encode: (offset) => [0x48, 0x8d, modrm, ...int32(offset - 7)],
  });
  return assemble([
    movEax(14), // rt_sigprocmask(
    [0x31, 0xff], //   xor edi, edi: SIG_BLOCK,
    lea(0x35, 'set'), //   lea rsi, [rip + set],
    [0x31, 0xd2], //   xor edx, edx: no old set,
    [0x41, 0xba, ...int32(8)], //   mov r10d, 8: size of the set)
    syscall,
    { label: 'wait' },
    movEax(128), // rt_sigtimedwait(
    lea(0x3d, 'set'), //   lea rdi, [rip + set],
    [0x31, 0xf6], //   xor esi, esi: no siginfo,
    [0x31, 0xd2], //   xor edx, edx: no timeout,
    [0x41, 0xba, ...int32(8)], //   mov r10d, 8)
    syscall,
    [0x83, 0xf8, 2], // cmp eax, SIGINT
    jump(0x74, 'exit'), // je exit
    [0x83, 0xf8, 15], // cmp eax, SIGTERM
    jump(0x74, 'exit'), // je exit
    { label: 'reap' },
    movEax(61), // wait4(
    [0x83, 0xcf, 0xff], //   or edi, -1: any child,
    [0x31, 0xf6], //   xor esi, esi: no status,
    [0xba, ...int32(1)], //   mov edx, WNOHANG,
    [0x45, 0x31, 0xd2], //   xor r10d, r10d: no usage)
    syscall,
    [0x85, 0xc0], // test eax, eax
    jump(0x7f, 'reap'), // jg reap: there may be more
    jump(0xeb, 'wait'), // jmp wait
    { label: 'exit' },
    movEax(231), // exit_group(
    [0x31, 0xff], //   xor edi, edi: 0)
    syscall,
    { label: 'set' },
    setBytes,
  ]);
}

function arm64(): Uint8Array {
  const word = (value: number) => int32(value | 0);
  const mov = (register: number, value: number) => word(0xd2800000 | (value << 5) | register);
  const call = (number: number) => [...mov(8, number), ...word(0xd4000001)]; // mov x8, number; svc #0
  const compareW0 = (value: number) => word(0x7100001f | (value << 10));
  const branchIf = (condition: number, to: string): Piece => ({
    to,
    size: 4,
    encode: (offset) => word(0x54000000 | (((offset >> 2) & 0x7ffff) << 5) | condition),
  });
  const branch = (to: string): Piece => ({
    to,
    size: 4,
    encode: (offset) => word(0x14000000 | ((offset >> 2) & 0x3ffffff)),
  });
  const address = (register: number, to: string): Piece => ({
    to,
    size: 4,
    encode: (offset) => word(0x10000000 | ((offset & 3) << 29) | (((offset >> 2) & 0x7ffff) << 5) | register),
  });
  return assemble([
    mov(0, 0), // rt_sigprocmask(SIG_BLOCK,
    address(1, 'set'), //   &set,
    mov(2, 0), //   no old set,
    mov(3, 8), //   size of the set)
    call(135),
    { label: 'wait' },
    address(0, 'set'), // rt_sigtimedwait(&set,
    mov(1, 0), //   no siginfo,
    mov(2, 0), //   no timeout,
    mov(3, 8), //   size of the set)
    call(137),
    compareW0(2), // SIGINT
    branchIf(0x0, 'exit'), // b.eq
    compareW0(15), // SIGTERM
    branchIf(0x0, 'exit'), // b.eq
    { label: 'reap' },
    word(0x92800000), // wait4(mov x0, -1: any child,
    mov(1, 0), //   no status,
    mov(2, 1), //   WNOHANG,
    mov(3, 0), //   no usage)
    call(260),
    compareW0(0),
    branchIf(0xc, 'reap'), // b.gt: there may be more
    branch('wait'),
    { label: 'exit' },
    mov(0, 0), // exit_group(0)
    call(94),
    { label: 'set' },
    setBytes,
  ]);
}
