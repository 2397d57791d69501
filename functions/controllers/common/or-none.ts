/** Counts of nothing are left out of a status, as the API's own encoding leaves them out (`omitempty`). */
export function orNone(count: number): number | undefined {
  return count === 0 ? undefined : count;
}
