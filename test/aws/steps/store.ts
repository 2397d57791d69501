/** The store's promises, kept by the table that the stack made: with its stream, its times to live and its backups. */
import { describeStore } from '../../contract/store/contract.ts';
import { dynamoHarness } from '../../contract/store/dynamodb-harness.ts';
import { describeHistories } from '../../contract/store/histories.ts';
import { cluster } from './cluster.ts';

const deployed = dynamoHarness(
  'the table of the stack',
  () => cluster().emulator.endpoint,
  () => cluster().outputs.tableName,
);

/** In types of its own, which no function knows: what they make of the changes in the stream is nothing. */
export function store(): void {
  describeStore(deployed);
  describeHistories(deployed, 10);
}
