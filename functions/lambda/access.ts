import type { ConfigMap } from '../../lib/api/gen/types.ts';
import { regionalSts } from '../../lib/aws/iam-token.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { configMaps } from '../../lib/client/resources.ts';
import { systemClock } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import {
  type AccessEntry,
  accessEntriesConfigMap,
  parseAccessEntries,
  readAccessEntries,
} from '../apiserver/authentication/access-entries.ts';
import { iamAuthenticator } from '../apiserver/authentication/iam.ts';
import type { TokenAuthenticator } from '../apiserver/pipeline/authentication.ts';
import type { LambdaSettings } from './settings.ts';

/**
 * IAM principals, by the entries that the stack fixed, and where none of them fits by those of the ConfigMap
 * `kube-system/iam-access-entries`.
 */
export function iamAccess(
  { cluster, access }: Pick<LambdaSettings, 'cluster' | 'access'>,
  client: () => KubeClient,
  log: Logger,
): TokenAuthenticator {
  const fixed = parseAccessEntries(JSON.parse(access));

  async function entries(): Promise<readonly AccessEntry[]> {
    try {
      return readAccessEntries(await client().get<ConfigMap>(configMaps, accessEntriesConfigMap));
    } catch (error) {
      // What cannot be read gives nobody access.
      if (!isKind(error, 'NotFound'))
        log.error({ reason: messageOf(error) }, 'the access entries cannot be read');
      return [];
    }
  }

  return iamAuthenticator({ cluster, stsUrl: stsUrl(), fixed, entries, clock: systemClock, log });
}

function stsUrl(): string {
  const { AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, AWS_REGION = '' } = process.env;
  const url = AWS_ENDPOINT_URL_STS ?? AWS_ENDPOINT_URL ?? regionalSts(AWS_REGION);
  return url.replace(/\/$/, '');
}
