import type { Plugin } from '../framework/plugin.ts';

/** Higher priority first; among equals, who came into the queue first. */
export function prioritySort(): Plugin {
  return {
    name: 'PrioritySort',
    compare: (a, b) => b.info.priority - a.info.priority || a.timestampMs - b.timestampMs,
  };
}
