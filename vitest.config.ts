import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Much of what tests do is waiting: a machine of two cores has two files under way, not one less. */
const maxWorkers = availableParallelism();

/** One project a kind of test, so that each can run alone: `npm run test:unit`. */
const project = (
  name: string,
  options: {
    testTimeout: number;
    maxWorkers?: number;
    fileParallelism?: boolean;
    maxConcurrency?: number;
    sequence?: { groupOrder: number };
  },
) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    hookTimeout: 240_000,
    pool: 'forks' as const,
    ...options,
  },
});

export default defineConfig({
  test: {
    projects: [
      // Longer than any wait of a test, so that it is the wait that says what did not come.
      project('unit', { testTimeout: 240_000, maxWorkers }),
      project('contract', { testTimeout: 240_000, maxWorkers }),
      // Those of one file that say they may wait side by side: for what a node does every minute.
      project('conformance', { testTimeout: 240_000, maxWorkers, maxConcurrency: 16 }),
      // By themselves: clusters as people start them, with containers of real size.
      project('e2e', { testTimeout: 420_000, maxWorkers, sequence: { groupOrder: 1 } }),
      // One at a time, as each is a whole account.
      project('aws', { testTimeout: 600_000, fileParallelism: false, sequence: { groupOrder: 2 } }),
    ],
  },
});
