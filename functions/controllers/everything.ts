import type { WorkItem } from '../../lib/queue/port.ts';
import { schedulerName } from '../lambda/queue.ts';
import { cycleKey } from '../scheduler/wakes.ts';
import type { ControllerEntry } from './context.ts';

/** Under this name wait controllers that are to look at every object again. */
export const resyncName = 'resync';

/** What has every controller, and the scheduler, look at everything again. */
export function everythingAgain(entries: readonly Pick<ControllerEntry, 'name'>[]): { item: WorkItem }[] {
  return [
    ...entries.map(({ name }) => ({ item: { controller: resyncName, key: name } })),
    { item: { controller: schedulerName, key: cycleKey } },
  ];
}
