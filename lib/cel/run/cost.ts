/** What running costs: units as cel-go counts them, so that the limits of Kubernetes mean the same here. */
import { CelError, type CelValue, isList, isMap } from './values.ts';

/** One expression may cost so much (`PerCallLimit`). */
export const perCallLimit = 1_000_000;

/** Thrown past the limit of one expression; `&&`, `||` and macros do not go on after it. */
export class CostExceeded extends CelError {}

export class Meter {
  cost = 0;
  readonly #limit: number;

  constructor(limit = perCallLimit) {
    this.#limit = limit;
  }

  charge(units: number): void {
    this.cost += units;
    if (this.cost > this.#limit) throw new CostExceeded('operation cancelled: actual cost limit exceeded');
  }
}

const perCharacter = 0.1;
const perPatternCharacter = 0.25;

export const costs = { select: 1, list: 10, map: 30, object: 40 };

export function sizeOf(value: CelValue | undefined): number {
  if (value === undefined) return 1;
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.length;
  if (isList(value)) return value.length;
  if (isMap(value)) return value.size;
  return 1;
}

/** Of calls that look through what they are given; all others cost 1. */
export function callCost(name: string, [first, second]: readonly CelValue[]): number {
  switch (name) {
    case 'startsWith':
    case 'endsWith':
      return Math.ceil(sizeOf(second) * perCharacter);
    case '@in':
      return isList(second ?? null) ? sizeOf(second) : 1;
    case 'contains':
    case 'indexOf':
    case 'lastIndexOf':
      return Math.max(1, Math.ceil(sizeOf(first) * perCharacter) * Math.ceil(sizeOf(second) * perCharacter));
    case 'matches':
    case 'find':
    case 'findAll': {
      const text = Math.ceil((1 + sizeOf(first)) * perCharacter);
      return text * Math.max(1, Math.ceil(sizeOf(second) * perPatternCharacter));
    }
    case '_+_':
      if (typeof first === 'string' || first instanceof Uint8Array) {
        return Math.ceil((sizeOf(first) + sizeOf(second)) * perCharacter);
      }
      return 1;
    case '_==_':
    case '_!=_':
    case '_<_':
    case '_<=_':
    case '_>_':
    case '_>=_':
      return Math.max(1, Math.ceil(Math.min(sizeOf(first), sizeOf(second)) * perCharacter));
    case 'bytes':
    case 'string':
    case 'lowerAscii':
    case 'upperAscii':
    case 'replace':
    case 'split':
    case 'substring':
    case 'trim':
    case 'join':
    case 'format':
    case 'strings.quote':
    case 'url':
    case 'isURL':
    case 'quantity':
    case 'isQuantity':
    case 'semver':
    case 'isSemver':
    case 'ip':
    case 'isIP':
    case 'cidr':
    case 'isCIDR':
    case 'validate':
      return Math.max(1, Math.ceil(Math.max(sizeOf(first), sizeOf(second)) * perCharacter));
    case 'lists.range':
      return typeof first === 'bigint' && first > 0n ? Number(first) : 1;
    case 'isSorted':
    case 'sum':
    case 'max':
    case 'min':
    case 'flatten':
    case 'reverse':
    case 'slice':
      return Math.max(1, sizeOf(first));
    case 'distinct':
    case 'sort':
      return Math.max(1, sizeOf(first) ** 2);
    case 'sets.contains':
    case 'sets.equivalent':
    case 'sets.intersects':
      return Math.max(1, sizeOf(first) * sizeOf(second));
    case 'check':
      return 350_000;
    default:
      return 1;
  }
}
