/** DeviceTaintRule (KEP-5055): taints devices that a selector picks, whoever published them. */
import { rfc3339 } from '../../../clock.ts';
import type { DeviceTaintRule, DeviceTaintRuleSpec } from '../../gen/types.ts';
import { validateConditions } from '../../validate/conditions.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, tooMany } from '../../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain, nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { keepStatus, rules } from '../rules.ts';
import { keepSpecAndMetadata, specAndMetadata } from '../status-metadata.ts';
import { validateTaint } from './device.ts';

const specPath = Path.of('spec');
const conditionsPath = Path.of('status', 'conditions');
const maxConditions = 8;

export const deviceTaintRuleRules = rules<DeviceTaintRule>({
  namespaced: false,
  allowUnconditionalUpdate: true,
  applyDefaults() {},
  prepareForCreate(rule, { now }) {
    rule.status = {};
    const { spec } = rule;
    rule.spec = { ...spec, taint: { ...spec.taint, timeAdded: spec.taint.timeAdded ?? rfc3339(now) } };
  },
  prepareForUpdate(rule, old) {
    keepStatus(rule, old);
    const { timeAdded } = old.spec.taint;
    if (timeAdded) rule.spec.taint.timeAdded ??= timeAdded;
  },
  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateSpec(spec),
  ],
  validateUpdate: (rule, old) => [
    ...validateObjectMeta(rule.metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateObjectMetaUpdate(rule.metadata, old.metadata),
    ...validateSpec(rule.spec),
  ],
  prepareForStatusUpdate: keepSpecAndMetadata,
  statusResets: specAndMetadata,
  validateStatusUpdate: (rule, old) => {
    const { conditions = [] } = rule.status ?? {};
    return [
      ...validateObjectMetaUpdate(rule.metadata, old.metadata),
      ...validateConditions(conditions, conditionsPath),
      ...(conditions.length > maxConditions
        ? [tooMany(conditionsPath, conditions.length, maxConditions)]
        : []),
    ];
  },
  generationChanged: (rule, old) => !sameValue(rule.spec, old.spec),
});

function validateSpec({ deviceSelector, taint }: DeviceTaintRuleSpec): FieldError[] {
  const errors: FieldError[] = [];
  const path = specPath.child('deviceSelector');
  const { driver, pool, device } = deviceSelector ?? {};
  const check = (field: string, value: string | undefined, messages: (text: string) => string[]) => {
    if (value === undefined) return;
    for (const message of messages(value)) errors.push(invalidValue(path.child(field), value, message));
  };
  check('driver', driver, dns1123Subdomain);
  check('pool', pool, (text) => text.split('/').flatMap(dns1123Subdomain));
  check('device', device, dns1123Label);
  return [...errors, ...validateTaint(taint, specPath.child('taint'))];
}
