import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `install.sh` is told. Values may be tokens of the CDK. */
export interface InstallSettings {
  CLUSTER: string;
  REGION: string;
  /** The Kubernetes API: `https://…/api`. */
  ENDPOINT: string;
  /** The cluster's authority, PEM in base64: whom the agent lets in by certificates. */
  CA: string;
  BUNDLE_URL: string;
  BUNDLE_SHA256: string;
  CLUSTER_CIDR: string;
  SERVICE_CIDR: string;
  CLUSTER_DNS: string;
  /** Where pods find the API server: the endpoint of the Service `kubernetes`. */
  ADVERTISE: string;
  /** Where the stream gateway listens. */
  GATEWAY_PORT: number;
  LOG_LEVEL: string;
  RUN_BY: 'systemd' | 'ecs';
  ECS_CLUSTER?: string;
}

/** A shell script that runs once, as root, when a machine starts for the first time. Nothing in it is secret. */
export function userData(settings: InstallSettings): string {
  const variables = Object.entries(settings).map(([name, value]) => `${name}='${value}'`);
  const script = readFileSync(join(import.meta.dirname, 'install.sh'), 'utf8');
  return ['#!/bin/bash', ...variables, script].join('\n');
}

/** The tenth address of the range of Services, as everywhere in Kumulus. */
export function clusterDnsOf(serviceCidr: string): string {
  const [network = ''] = serviceCidr.split('/');
  const bytes = network.split('.').map(Number);
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0) + 10;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
