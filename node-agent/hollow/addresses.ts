/** The addresses of one simulated node's pods: from a /24, each to one pod at a time, taken in turn. */
export interface PodAddresses {
  /** An address of its own, or the one it says it has where that is free. Undefined when all are taken. */
  take(wanted?: string): string | undefined;
  free(address: string): void;
}

const first = 2;
const last = 254;

/** @param cidr `100.64.1.0/24` */
export function podAddresses(cidr: string): PodAddresses {
  const prefix = cidr.replace(/0\/24$/, '');
  const taken = new Set<string>();
  let next = first;
  return {
    take(wanted) {
      if (wanted?.startsWith(prefix) && !taken.has(wanted)) {
        taken.add(wanted);
        return wanted;
      }
      for (let tried = first; tried <= last; tried++) {
        const address = `${prefix}${next}`;
        next = next === last ? first : next + 1;
        if (taken.has(address)) continue;
        taken.add(address);
        return address;
      }
      return undefined;
    },
    free: (address) => void taken.delete(address),
  };
}
