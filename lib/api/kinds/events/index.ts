import type { KindRules } from '../rules.ts';
import { eventRules } from './event.ts';

/** By version and kind. */
export const eventsRules: Readonly<Record<string, KindRules>> = {
  'v1/Event': eventRules,
};
