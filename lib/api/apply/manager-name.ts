/** What a manager may be called. */
const maxBytes = 128;

/**
 * Who writes: the `fieldManager` of the request, or else what stands before the first slash of the user agent, as far
 * as it can be printed and fits.
 */
export function managerName(fieldManager: string | undefined, userAgent: string | undefined): string {
  if (fieldManager) return fieldManager;
  let name = '';
  for (const character of (userAgent ?? '').split('/')[0] ?? '') {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) continue;
    if (Buffer.byteLength(name) + Buffer.byteLength(character) > maxBytes) break;
    name += character;
  }
  return name;
}
