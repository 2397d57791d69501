import { expect, test } from 'vitest';
import { loadedAhead, loadedOnCall } from '../../lib/lazy.ts';

interface Port {
  add(a: number, b: number): Promise<number>;
  refuse(): Promise<never>;
}

test('a port is loaded by the first call of any method, once for calls that overlap', async () => {
  let loads = 0;
  const port = loadedOnCall<Port>(async () => {
    loads++;
    return { add: async (a, b) => a + b, refuse: () => Promise.reject(new Error('refused')) };
  });
  // It is no promise, though it answers to every other name.
  expect(await Promise.resolve(port)).toBe(port);
  expect(loads).toBe(0);
  expect(await Promise.all([port.add(1, 2), port.add(3, 4)])).toEqual([3, 7]);
  await expect(port.refuse()).rejects.toThrow('refused');
  expect(loads).toBe(1);
});

test('a load that failed fails its call, and the next call tries again', async () => {
  const answers = [Promise.reject(new Error('not there')), Promise.resolve({ size: async () => 3 })];
  answers[0]?.catch(() => {});
  const port = loadedOnCall(() => answers.shift() as Promise<{ size(): Promise<number> }>);
  await expect(port.size()).rejects.toThrow('not there');
  expect(await port.size()).toBe(3);
});

test('what is loaded ahead is there for all who come later, and an error for who comes before', async () => {
  const answers = [Promise.reject(new Error('not there')), Promise.resolve({ size: 3 })];
  answers[0]?.catch(() => {});
  const module = loadedAhead('the module', () => answers.shift() as Promise<{ size: number }>);
  expect(() => module.get()).toThrow('the module is used before it is loaded');
  await expect(module.load()).rejects.toThrow('not there');
  expect(module.isLoaded).toBe(false);
  await module.load();
  await module.load();
  expect([module.isLoaded, module.get().size]).toEqual([true, 3]);
});
