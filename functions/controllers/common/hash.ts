/** FNV-1a, 32 bits. */
function fnv1a(text: string, more: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  for (const byte of more) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Characters that cannot spell a word nor be taken for one another (apimachinery's `rand`). */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A short name for what an object says, for labels and names of its children: `7c5ddbdf54`. The same for the same
 * JSON whatever the order of its keys. `collisionCount` gives another name where one was taken.
 */
export function computeHash(value: unknown, collisionCount: number | undefined): string {
  const count = collisionCount ?? 0;
  const salt =
    collisionCount === undefined ? [] : [count, count >> 8, count >> 16, count >> 24].map((b) => b & 0xff);
  const sum = fnv1a(canonical(value), salt);
  return Array.from(String(sum), (character) => alphabet[character.charCodeAt(0) % alphabet.length]).join('');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner)
            .filter(([, field]) => field !== null && field !== undefined)
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : inner,
  );
}
