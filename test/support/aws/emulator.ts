/** What the tests ask of an emulator for which the project has no client of its own: functions, their logs, their processes. */
import { readdirSync, readlinkSync } from 'node:fs';

export interface EmulatorCalls {
  functions(): Promise<string[]>;
  logGroups(): Promise<string[]>;
  /** Every message of a log group since then, in order. */
  logOf(group: string, sinceMs?: number): Promise<string[]>;
  /** Waits for the answer. @throws Error with what the function threw. */
  invoke(name: string, event: unknown): Promise<unknown>;
}

export function emulatorCalls(endpoint: string): EmulatorCalls {
  const scope = (service: string) =>
    `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=none`;

  async function logs<T>(operation: string, input: object): Promise<T> {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'x-amz-target': `Logs_20140328.${operation}`,
        'content-type': 'application/x-amz-json-1.1',
        authorization: scope('logs'),
      },
      body: JSON.stringify(input),
    });
    if (!response.ok) throw new Error(`${operation}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  return {
    async functions() {
      const response = await fetch(`${endpoint}/2015-03-31/functions/`, {
        headers: { authorization: scope('lambda') },
      });
      const { Functions: functions } = (await response.json()) as { Functions: { FunctionName: string }[] };
      return functions.map(({ FunctionName: name }) => name);
    },
    async logGroups() {
      const { logGroups } = await logs<{ logGroups: { logGroupName: string }[] }>('DescribeLogGroups', {});
      return logGroups.map(({ logGroupName: name }) => name);
    },
    async logOf(group, sinceMs = 0) {
      const messages: string[] = [];
      let nextToken: string | undefined;
      do {
        const page = await logs<{ events: { message: string }[]; nextToken?: string }>('FilterLogEvents', {
          logGroupName: group,
          startTime: sinceMs,
          nextToken,
        });
        messages.push(...page.events.map(({ message }) => message));
        nextToken = page.nextToken;
      } while (nextToken);
      return messages;
    },
    async invoke(name, event) {
      const response = await fetch(`${endpoint}/2015-03-31/functions/${name}/invocations`, {
        method: 'POST',
        headers: { authorization: scope('lambda') },
        body: JSON.stringify(event),
      });
      const answer: unknown = JSON.parse((await response.text()) || 'null');
      if (!response.ok || response.headers.has('x-amz-function-error'))
        throw new Error(`${name}: ${JSON.stringify(answer)}`);
      return answer;
    },
  };
}

/** The processes that an emulator of this machine runs a function in. */
export function processesOf(functionName: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return readlinkSync(`/proc/${name}/cwd`).includes(`/ministack-lambda-${functionName}-`)
          ? [Number(name)]
          : [];
      } catch {
        // It has ended meanwhile, or is a thread of the kernel.
        return [];
      }
    });
}
