import { credentials, makeGenericClientConstructor, type ServiceError, status } from '@grpc/grpc-js';
import { systemClock } from '../../lib/clock.ts';
import { joinHostPort } from './address.ts';

/** `ServingStatus` of the gRPC health checking protocol. */
const servingStatus = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const healthy = 1;

/** `HealthCheckRequest{ service = 1 }` and `HealthCheckResponse{ status = 1 }`: one field each. */
const Health = makeGenericClientConstructor(
  {
    check: {
      path: '/grpc.health.v1.Health/Check',
      requestStream: false,
      responseStream: false,
      requestSerialize: (service: string) => {
        const name = Buffer.from(service);
        return name.length > 0 ? Buffer.concat([Buffer.of(0x0a, name.length), name]) : Buffer.alloc(0);
      },
      requestDeserialize: (bytes) => bytes.subarray(2).toString('utf8'),
      responseSerialize: (value: number) => Buffer.of(0x08, value),
      responseDeserialize: (bytes) => (bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0),
    },
  },
  'grpc.health.v1.Health',
);

/** Asks a server for its health. Resolves with undefined when it is well, or with what is wrong. */
export async function grpcHealth(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<string | undefined> {
  const address = joinHostPort(host, port);
  const client = new Health(address, credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  const check = client['check'] as (
    request: string,
    options: { deadline: number },
    callback: (error: ServiceError | null, value: number) => void,
  ) => void;
  try {
    return await new Promise((resolve) => {
      check.call(client, service, { deadline: systemClock.now() + timeoutMs }, (error, value) => {
        if (error) resolve(explain(error, address, timeoutMs));
        else if (value === healthy) resolve(undefined);
        else resolve(`service unhealthy (responded with "${servingStatus[value] ?? value}")`);
      });
    });
  } finally {
    client.close();
  }
}

function explain(error: ServiceError, address: string, timeoutMs: number): string {
  switch (error.code) {
    case status.UNIMPLEMENTED:
      return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.details}`;
    case status.DEADLINE_EXCEEDED:
      return `timeout: health rpc did not complete within ${timeoutMs / 1000}s`;
    case status.UNAVAILABLE:
      return `error: failed to connect service "${address}": ${error.details}`;
    default:
      return `error: health rpc probe failed: ${error.message}`;
  }
}
