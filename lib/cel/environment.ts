import { declare, type Functions } from './functions.ts';
import { listExtensions, sets, strings } from './library/extensions.ts';
import {
  addresses,
  authorization,
  formats,
  lists,
  quantities,
  regex,
  semvers,
  urls,
} from './library/kubernetes.ts';
import { optionals, standard } from './library/standard.ts';
import type { CelType } from './types.ts';

/** What expressions may name. */
export interface Environment {
  /** By their full name, which may have points. */
  variables: ReadonlyMap<string, CelType>;
  functions: Functions;
  /** The fields of object types, by the type's name. */
  objects: ReadonlyMap<string, ReadonlyMap<string, CelType>>;
  /** The type of an object that an expression makes, and of its fields; undefined for a name that is none. */
  constructed?: (
    name: string,
  ) => { type: CelType; fieldOf: (field: string) => CelType | undefined } | undefined;
}

/** The functions that every expression in Kubernetes has, as of v1.36. */
export const kubernetesFunctions: Functions = declare(
  standard,
  optionals,
  strings,
  sets,
  listExtensions,
  lists,
  regex,
  urls,
  quantities,
  addresses,
  formats,
  semvers,
  authorization,
);
