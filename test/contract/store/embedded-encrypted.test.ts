import { randomBytes } from 'node:crypto';
import { aesGcm } from '../../../lib/store/encryption/aesgcm.ts';
import { encryptedStore } from '../../../lib/store/encryption/index.ts';
import { secretbox } from '../../../lib/store/encryption/secretbox.ts';
import { describeStore, type StoreHarness } from './contract.ts';
import { embedded } from './embedded-harness.ts';
import { describeHistories } from './histories.ts';

/** What a store promises holds with encrypted bodies too. */
function encrypted(name: string, transformer: typeof aesGcm): StoreHarness {
  return {
    name: `embedded with ${name}`,
    async open() {
      const under = await embedded.open();
      const key = transformer({ name: 'key1', secret: randomBytes(32) });
      const store = encryptedStore(under.store, () => [key]);
      return {
        ...under,
        store: { ...store, advance: (...of) => under.store.advance(...of) },
      };
    },
  };
}

for (const [name, transformer] of Object.entries({ aesgcm: aesGcm, secretbox })) {
  const harness = encrypted(name, transformer);
  describeStore(harness);
  describeHistories(harness, 30);
}
