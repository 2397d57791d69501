import { defineConfig } from 'vitest/config';

/** One project a kind of test, so that each can run alone: `npm run test:unit`. */
const project = (name: string, options: { testTimeout: number; fileParallelism?: boolean }) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    hookTimeout: 120_000,
    pool: 'forks' as const,
    ...options,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', { testTimeout: 30_000 }),
      project('contract', { testTimeout: 120_000 }),
      project('conformance', { testTimeout: 120_000 }),
      // One cluster at a time: two cores, and containers of real size.
      project('e2e', { testTimeout: 180_000, fileParallelism: false }),
      project('aws', { testTimeout: 600_000, fileParallelism: false }),
    ],
  },
});
