import { isKind } from '../../lib/errors.ts';

/**
 * What a record of the stream says, or undefined for one that cannot be read now or ever, after `bury` was told why: it is a
 * dead letter, and the resync repairs what it may have said.
 *
 * @throws KumulusError ServiceUnavailable where the service that opens records does not answer: nor can the records behind it
 * be opened, and the batch has to come again
 */
export async function readOrBury<T>(
  read: () => Promise<T>,
  bury: (reason: unknown) => Promise<void>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isKind(error, 'ServiceUnavailable')) throw error;
    await bury(error);
    return undefined;
  }
}
