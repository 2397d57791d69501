import { addresses } from './addresses.ts';
import { authorization } from './authorization.ts';
import { formats } from './formats.ts';
import type { Implementation } from './implementation.ts';
import { lists } from './lists.ts';
import { optionals } from './optionals.ts';
import { quantities } from './quantities.ts';
import { regex } from './regex.ts';
import { semvers } from './semvers.ts';
import { standard } from './standard.ts';
import { urls } from './urls.ts';

/** By name; they are asked in order, until one is for what it is given. */
export const implementations: ReadonlyMap<string, readonly Implementation[]> = collect();

function collect(): Map<string, Implementation[]> {
  const byName = new Map<string, Implementation[]>();
  const libraries = [
    standard,
    optionals,
    lists,
    regex,
    urls,
    quantities,
    addresses,
    formats,
    semvers,
    authorization,
  ];
  for (const library of libraries) {
    for (const [name, implementation] of Object.entries(library)) {
      byName.set(name, [...(byName.get(name) ?? []), implementation]);
    }
  }
  return byName;
}
