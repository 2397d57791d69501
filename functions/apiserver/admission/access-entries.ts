import type { ConfigMap } from '../../../lib/api/gen/types.ts';
import { invalid } from '../../../lib/api/status.ts';
import { invalidValue } from '../../../lib/api/validate/field-error.ts';
import { Path } from '../../../lib/api/validate/path.ts';
import { messageOf } from '../../../lib/errors.ts';
import {
  accessEntriesConfigMap,
  accessEntriesKey,
  readAccessEntries,
} from '../authentication/access-entries.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { writtenObject } from './common.ts';

/**
 * Refuses access entries that could not be read: those whom they are meant to let in, and who took the others' access away
 * with a slip, would hear of it from a log alone.
 */
export const accessEntries: AdmissionPlugin = {
  name: 'AccessEntries',
  types: ['configmaps'],
  async validate(attributes) {
    const written = writtenObject<ConfigMap>(attributes, 'configmaps');
    const { namespace, name } = accessEntriesConfigMap;
    if (!written || attributes.namespace !== namespace || written.metadata.name !== name) return;
    try {
      readAccessEntries(written);
    } catch (error) {
      const path = Path.of('data').key(accessEntriesKey);
      const value = written.data?.[accessEntriesKey];
      throw invalid(attributes.entry.definition, name, [invalidValue(path, value, messageOf(error))]);
    }
  },
};
