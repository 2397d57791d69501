import { describeBackups } from './backups.ts';
import { describeStore } from './contract.ts';
import { embedded } from './embedded-harness.ts';
import { describeHistories } from './histories.ts';

describeStore(embedded);
describeHistories(embedded, 200);
describeBackups(embedded, embedded);
