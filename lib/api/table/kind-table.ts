import type { LabelSelector } from '../gen/types.ts';
import type { KubeObject } from '../object.ts';
import { formatSelector, selectorFromObject } from '../selectors/index.ts';
import { since } from './duration.ts';

/** `metav1.TableColumnDefinition`. Columns with a priority are for `-o wide`. */
export interface Column {
  name: string;
  type: 'string' | 'integer' | 'boolean' | 'date';
  format: string;
  description: string;
  priority: number;
}

export type Cell = string | number | boolean;

/** `metav1.TableRowCondition` */
export interface RowCondition {
  type: 'Completed';
  status: 'True';
  reason: string;
  message: string;
}

/** How the objects of a kind are shown. */
export interface KindTable {
  columns: readonly Column[];
  /** One for each column. `now`: milliseconds since the epoch. */
  cells(object: KubeObject, now: number): Cell[];
  conditions?(object: KubeObject): RowCondition[] | undefined;
}

/** A table for the kind of `T`; the caller answers for objects being of that kind. */
export function tableOf<T extends KubeObject>(
  columns: readonly Column[],
  cells: (object: T, now: number) => Cell[],
  conditions?: (object: T) => RowCondition[] | undefined,
): KindTable {
  return {
    columns,
    cells: (object, now) => cells(object as T, now),
    ...(conditions && { conditions: (object) => conditions(object as T) }),
  };
}

export function column(
  name: string,
  description: string,
  more: Partial<Pick<Column, 'type' | 'priority' | 'format'>> = {},
): Column {
  return { name, type: 'string', format: '', description, priority: 0, ...more };
}

export const wide = { priority: 1 } as const;
export const integer = { type: 'integer' } as const;
export const flag = { type: 'boolean' } as const;

export const nameColumn = column('Name', 'Unique within a namespace among the objects of the kind.', {
  format: 'name',
});
export const ageColumn = column('Age', 'How long ago the server created the object.');
export const containerColumns = [
  column('Containers', 'Names of each container in the template.', wide),
  column('Images', 'Images referenced by each container in the template.', wide),
];
export const selectorColumn = column('Selector', 'The labels of the pods that belong to it.', wide);

export function nameOf(object: KubeObject): string {
  return object.metadata.name ?? '';
}

export function age(object: KubeObject, now: number): string {
  return since(object.metadata.creationTimestamp, now);
}

export function containerCells(
  containers: readonly { name: string; image?: string }[] | undefined,
): [string, string] {
  const all = containers ?? [];
  return [all.map(({ name }) => name).join(','), all.map(({ image }) => image ?? '').join(',')];
}

/** `a=1,b=2`, or `<none>` */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length > 0 ? pairs.sort().join(',') : '<none>';
}

export function formatLabelSelector(selector: LabelSelector | undefined, invalid = '<error>'): string {
  try {
    return formatSelector(selectorFromObject(selector)) || '<none>';
  } catch {
    return invalid;
  }
}

/** The first three, and how many more there are. */
export function firstThree(items: readonly string[]): string {
  const shown = items.slice(0, 3).join(',');
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown;
}
