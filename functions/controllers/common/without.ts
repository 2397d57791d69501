/** A copy of the map without these keys; an absent map is empty. */
export function without<V>(
  map: Readonly<Record<string, V>> | undefined,
  ...keys: string[]
): Record<string, V> {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !keys.includes(key)));
}
