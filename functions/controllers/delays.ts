/** The delays function: puts what was delayed into its work queue when its time has come. */
import { systemClock } from '../../lib/clock.ts';
import { forwardDelayed, type SqsBatchResponse, type SqsEvent } from '../../lib/queue/sqs/index.ts';
import { lambdaHandler, lambdaLogger } from '../lambda/invocation.ts';
import { readSettings } from '../lambda/settings.ts';
import { openQueue } from '../lambda/queue.ts';

const settings = readSettings(process.env);
const log = lambdaLogger('delays', settings);
/** Each message says itself whether its controller works on one key at a time. */
const queue = openQueue(settings, () => false);

export const handler = lambdaHandler<SqsEvent, SqsBatchResponse>({
  name: 'delays',
  settings,
  log,
  run({ Records: records }, { signal, metrics }) {
    metrics.count('Items', records.length);
    const onMalformed = () => metrics.count('Malformed');
    return forwardDelayed(records, { queue, clock: systemClock, log, signal, onMalformed });
  },
});
