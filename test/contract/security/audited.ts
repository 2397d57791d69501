/** An API server whose every refusal can be looked up in its audit log, and whose log is kept. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect } from 'vitest';
import type { AuditEvent } from '../../../functions/apiserver/audit/event.ts';
import { parseAuditPolicy } from '../../../functions/apiserver/audit/policy.ts';
import { type Answer, startServer } from '../../support/api-server.ts';

const policy = parseAuditPolicy(
  'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{ level: Metadata }]\n',
  'test',
);

export async function startAudited(options: Parameters<typeof startServer>[0] = {}) {
  const events: AuditEvent[] = [];
  /** What was answered to whoever was refused. */
  const answers: string[] = [];
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const server = await startServer({
    ...options,
    log: pino({ level: 'trace' }, sink),
    audit: { policy, sink: (event) => events.push(structuredClone(event)) },
  });
  /** With 401 or 403, of which the audit log knows. */
  const refused = async (answer: Promise<Answer>, ...statuses: number[]): Promise<Answer> => {
    const found = await answer;
    answers.push(found.text, JSON.stringify(found.headers));
    const wanted = statuses.length > 0 ? statuses : [401, 403];
    expect(wanted, found.text).toContain(found.status);
    const recorded = events.filter(({ auditID }) => auditID === found.headers['audit-id']);
    // Of what lasts, its start and its end are on record.
    const codes = new Set(recorded.map(({ responseStatus }) => responseStatus?.code));
    expect([...codes], found.text).toEqual([found.status]);
    return found;
  };
  const must = async (answer: Promise<Answer>, status = 201): Promise<Answer> => {
    const found = await answer;
    expect(found.status, found.text).toBe(status);
    return found;
  };
  /** Everything that others may get to see: answers, log, audit log. */
  const said = () => [...answers, ...lines, JSON.stringify(events)].join('\n');
  return { server, refused, must, said };
}

export type Audited = Awaited<ReturnType<typeof startAudited>>;

export const bearer = (token: string) => ({ as: null, headers: { authorization: `Bearer ${token}` } });
