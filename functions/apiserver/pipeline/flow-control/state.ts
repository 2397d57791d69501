/** The configuration at work: priority levels with their queues, and flow schemas in matching order. */
import type { FlowSchema, PriorityLevelConfiguration } from '../../../../lib/api/gen/types.ts';
import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
} from '../../../../lib/api/kinds/flowcontrol/mandatory.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { RequestInfo } from '../request-info.ts';
import { adjustLimits, limitsOf, type SeatLimits, type Shares } from './allocation.ts';
import { distinguisherOf, inMatchingOrder, type Matcher, matcherOf } from './classify.ts';
import { SeatDemand } from './demand.ts';
import { QueueSet } from './queue-set.ts';
import { RetryAfter } from './retry-after.ts';
import { dealHand, hashFlow } from './shuffle-shard.ts';
import { FlowStats } from './stats.ts';

/** Upstream's: this much of a level one request may take at most. */
const maxSeatsPart = 0.15;
/** Hands are dealt once and kept for so many flows of a schema. */
const maxHands = 4096;
const maxStats = 1000;

export interface Level {
  name: string;
  uid: string;
  configuration: PriorityLevelConfiguration;
  isExempt: boolean;
  queues: QueueSet;
  demand: SeatDemand;
  limits: SeatLimits;
  target: number;
  /** The most seats that one request takes; undefined: no limit of the level's own. */
  maxSeats: number | undefined;
  handSize: number;
  retryAfter: RetryAfter;
  /** Its object is gone; requests are still under way. */
  isQuiescing: boolean;
}

export interface Schema {
  name: string;
  uid: string;
  matches: Matcher;
  distinguish: (info: RequestInfo, user: UserInfo) => string;
  level: Level;
  stats: FlowStats;
  /** Said of every answer. */
  headers: Readonly<Record<string, string>>;
  hands: Map<string, readonly number[]>;
}

export interface StateOptions {
  /** Seats of the whole server. */
  seats: number;
  clock: () => number;
  later: (ms: number, act: () => void) => void;
}

export class FlowControlState {
  readonly #options: StateOptions;
  readonly levels = new Map<string, Level>();
  /** By level and schema; kept while the process lives, as counters must. */
  readonly stats = new Map<string, FlowStats>();
  schemas: readonly Schema[] = [];
  fairFraction = 0;

  constructor(options: StateOptions) {
    this.#options = options;
    this.configure([], []);
  }

  /** Takes over what is configured now. The mandatory objects are supplied where they are missing. */
  configure(schemas: readonly FlowSchema[], configurations: readonly PriorityLevelConfiguration[]): void {
    const wanted = new Map(configurations.map((one) => [one.metadata.name ?? '', one]));
    for (const [name, spec] of Object.entries(mandatoryPriorityLevels)) {
      if (!wanted.has(name)) wanted.set(name, { metadata: { name }, spec });
    }
    for (const [name, level] of this.levels) {
      level.isQuiescing = !wanted.has(name);
      if (level.isQuiescing && level.queues.isIdle) this.levels.delete(name);
    }
    for (const [name, configuration] of wanted) this.#putLevel(name, configuration);
    this.#setLimits();
    // What a level had borrowed may be somebody else's now.
    this.adjust(this.#options.clock());
    const missing = Object.entries(mandatoryFlowSchemas)
      .filter(([name]) => !schemas.some(({ metadata }) => metadata.name === name))
      .map(([name, spec]): FlowSchema => ({ metadata: { name }, spec }));
    this.schemas = inMatchingOrder([...schemas, ...missing]).flatMap((schema) => {
      const level = wanted.has(levelNameOf(schema)) ? this.levels.get(levelNameOf(schema)) : undefined;
      return level ? [this.#schemaOf(schema, level)] : [];
    });
    this.#forgetStats();
  }

  classify(info: RequestInfo, user: UserInfo): Schema {
    const { schemas } = this;
    for (let index = 0; index < schemas.length; index++) {
      const schema = schemas[index] as Schema;
      if (schema.matches(info, user)) return schema;
    }
    // The last one takes everyone who is authenticated or known not to be; a user of neither kind goes there too.
    return schemas.at(-1) as Schema;
  }

  handOf(schema: Schema, info: RequestInfo, user: UserInfo): readonly number[] {
    const { level, hands } = schema;
    const { queues } = level.queues.limits;
    if (queues === 0) return noHand;
    const distinguisher = schema.distinguish(info, user);
    const known = hands.get(distinguisher);
    if (known) return known;
    const hand = queues === 1 ? [0] : dealHand(hashFlow(schema.name, distinguisher), queues, level.handSize);
    if (hands.size >= maxHands) hands.clear();
    hands.set(distinguisher, hand);
    return hand;
  }

  /** Levels lend each other what they do not need (KEP-1040, "Dynamic borrowing"). */
  adjust(now: number): void {
    const levels = [...this.levels.values()];
    for (const { demand } of levels) demand.settle(now);
    const { current, targets, fairFraction } = adjustLimits(
      levels.map(({ isExempt, limits, demand }) => ({
        isExempt,
        limits,
        highWatermark: Math.round(demand.highWatermark),
        smoothed: demand.smoothed,
      })),
    );
    this.fairFraction = fairFraction;
    for (const [index, level] of levels.entries()) {
      level.target = targets[index] ?? 0;
      if (!level.isExempt) {
        level.queues.configure({ ...level.queues.limits, seats: current[index] ?? 0 }, now);
      }
      if (level.isQuiescing && level.queues.isIdle) this.levels.delete(level.name);
    }
  }

  #putLevel(name: string, configuration: PriorityLevelConfiguration): void {
    const now = this.#options.clock();
    const isExempt = configuration.spec.type === 'Exempt';
    const { limitResponse } = configuration.spec.limited ?? {};
    const queuing = limitResponse?.type === 'Queue' ? limitResponse.queuing : undefined;
    const found = this.levels.get(name);
    const limits = {
      seats: isExempt ? Number.POSITIVE_INFINITY : (found?.queues.limits.seats ?? 0),
      queues: queuing?.queues ?? 0,
      queueLengthLimit: queuing?.queueLengthLimit ?? 0,
    };
    const known = {
      uid: configuration.metadata.uid ?? '',
      configuration,
      isExempt,
      handSize: queuing?.handSize ?? 0,
      isQuiescing: false,
    };
    if (found) {
      Object.assign(found, known);
      found.queues.configure(limits, now);
      return;
    }
    const { clock, later } = this.#options;
    this.levels.set(name, {
      name,
      ...known,
      queues: new QueueSet({ limits, now, clock, later }),
      demand: new SeatDemand(now),
      limits: { nominal: -1, lower: 0, upper: 0 },
      target: 0,
      maxSeats: undefined,
      retryAfter: new RetryAfter(),
    });
  }

  /** Every level's share depends on all the others'. */
  #setLimits(): void {
    const levels = [...this.levels.values()];
    const shareSum = levels.reduce(
      (sum, { configuration }) => sum + sharesOf(configuration).nominalConcurrencyShares,
      0,
    );
    const now = this.#options.clock();
    for (const level of levels) {
      const isNew = level.limits.nominal < 0;
      level.limits = limitsOf(sharesOf(level.configuration), shareSum, this.#options.seats);
      const { nominal, lower, upper } = level.limits;
      if (level.handSize > 0) {
        const part = Math.min(Math.ceil(nominal * maxSeatsPart), Math.floor(nominal / level.handSize));
        level.maxSeats = Math.max(1, part);
      }
      if (level.isExempt) continue;
      const { limits } = level.queues;
      const seats = isNew
        ? nominal - Math.floor((nominal - lower) / 2)
        : Math.min(Math.max(limits.seats, lower), upper);
      level.queues.configure({ ...limits, seats }, now);
    }
  }

  /** Counters of schemas that are gone are kept for a while, not for ever. */
  #forgetStats(): void {
    if (this.stats.size <= maxStats) return;
    const used = new Set(this.schemas.map(({ stats }) => stats));
    for (const [key, stats] of this.stats) {
      if (!used.has(stats) && stats.waiting + stats.executing === 0) this.stats.delete(key);
    }
  }

  #schemaOf(schema: FlowSchema, level: Level): Schema {
    const { name = '', uid = '' } = schema.metadata;
    const key = `${level.name}/${name}`;
    let stats = this.stats.get(key);
    if (!stats) {
      stats = new FlowStats(level.name, name);
      this.stats.set(key, stats);
    }
    return {
      name,
      uid,
      matches: matcherOf(schema),
      distinguish: distinguisherOf(schema),
      level,
      stats,
      headers: {
        'x-kubernetes-pf-flowschema-uid': uid,
        'x-kubernetes-pf-prioritylevel-uid': level.uid,
      },
      hands: new Map(),
    };
  }
}

const noHand: readonly number[] = [];

function levelNameOf({ spec }: FlowSchema): string {
  return spec.priorityLevelConfiguration.name;
}

function sharesOf({ spec }: PriorityLevelConfiguration): Shares {
  const { nominalConcurrencyShares = 0, lendablePercent = 0 } = spec.limited ?? spec.exempt ?? {};
  return {
    nominalConcurrencyShares,
    lendablePercent,
    borrowingLimitPercent: spec.limited?.borrowingLimitPercent,
  };
}
