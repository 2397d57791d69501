import type { Container } from '../../lib/api/gen/types.ts';

/**
 * Tells whether a running container still is what the pod asks for. As in kubelet only name and image count, since
 * nothing else of a running container can change; FNV-1a, 32 bits, hexadecimal.
 */
export function containerHash({ name, image }: Container): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify({ image: image ?? '', name }))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash.toString(16);
}
