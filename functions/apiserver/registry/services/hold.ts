import type { Service } from '../../../../lib/api/gen/types.ts';
import { internal, invalid } from '../../../../lib/api/status.ts';
import type { FieldError } from '../../../../lib/api/validate/field-error.ts';
import type { Reservations } from './reservations.ts';
import { candidates, type NumberRange } from './ranges.ts';

/** What one write of a Service takes of one kind of numbers. */
export interface Taking {
  /** False when somebody has it, be it this write itself. */
  take(name: string): Promise<boolean>;
  /** One of the ranges' that is free; undefined when they are full. */
  takeAny(ranges: readonly NumberRange[], nameOf: (value: bigint) => string): Promise<string | undefined>;
  /** Everything that was taken. */
  undo(): Promise<void>;
}

/** A dry run looks at what is free, and takes nothing. */
export function taking(options: {
  from: Reservations;
  service: Service;
  key: string;
  dryRun: boolean;
  random: () => number;
}): Taking {
  const { from, service, key, dryRun, random } = options;
  const taken = new Set<string>();
  const used = async () => new Set((await from.list(dryRun ? 'consistent' : 'any')).map(({ name }) => name));
  const take = async (name: string): Promise<boolean> => {
    if (taken.has(name)) return false;
    if (dryRun ? (await used()).has(name) : !(await from.take(name, service))) return false;
    taken.add(name);
    return true;
  };
  return {
    take,
    async takeAny(ranges, nameOf) {
      const known = await used();
      for (const range of ranges) {
        for (const value of candidates(range, random)) {
          const name = nameOf(value);
          if (!known.has(name) && (await take(name))) return name;
        }
      }
      return undefined;
    },
    async undo() {
      if (!dryRun) for (const name of taken) await from.give(name, key);
    },
  };
}

export function refuse(service: Service, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', errors);
}

export function rangeIsFull(what: string): Error {
  return internal(`failed to allocate a ${what}: range is full`);
}
