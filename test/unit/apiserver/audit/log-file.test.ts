import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AuditEvent } from '../../../../functions/apiserver/audit/event.ts';
import { openAuditLog } from '../../../../functions/apiserver/audit/log-file.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { silentLogger } from '../../../../lib/log.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kumulus-audit-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const event = (auditID: string): AuditEvent => ({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Metadata',
  auditID,
  stage: 'ResponseComplete',
  requestURI: '/',
  verb: 'get',
  user: { username: 'ann' },
  requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
  stageTimestamp: '2026-01-01T00:00:00.000000Z',
});
const idsIn = (file: string) =>
  readFileSync(join(dir, file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as AuditEvent).auditID);

test('events are lines, a file that has grown is turned over, and only so many are kept', () => {
  let now = Date.UTC(2026, 0, 2, 3, 4, 5);
  const path = join(dir, 'audit.log');
  const lineBytes = JSON.stringify(event('000')).length + 1;
  const clock = { ...systemClock, now: () => now };
  const open = () =>
    openAuditLog({ path, maxSizeBytes: lineBytes * 3, maxBackups: 2, clock, log: silentLogger });
  let log = open();
  for (let i = 0; i < 4; i++) log.sink(event(`00${i}`));
  log.close();
  // Goes on in the same file after a restart.
  log = open();
  for (let i = 4; i < 10; i++) {
    now += 1_000;
    log.sink(event(`00${i}`));
  }
  log.close();
  const files = readdirSync(dir).sort();
  expect(files).toEqual([
    'audit-2026-01-02T03-04-08.000.log',
    'audit-2026-01-02T03-04-11.000.log',
    'audit.log',
  ]);
  expect(idsIn('audit.log')).toEqual(['009']);
  expect(files.slice(0, 2).map(idsIn)).toEqual([
    ['003', '004', '005'],
    ['006', '007', '008'],
  ]);
});
