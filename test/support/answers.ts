import { expect } from 'vitest';
import type { Answer } from './api-server.ts';

export async function must(answer: Promise<Answer>, status = 200): Promise<Answer> {
  const found = await answer;
  expect(found.status, found.text).toBe(status);
  return found;
}

/** @param reason Part of the message. */
export async function refused(answer: Promise<Answer>, reason: string, status = 403): Promise<void> {
  const found = await answer;
  expect([found.status, found.json.message]).toEqual([status, expect.stringContaining(reason)]);
}
