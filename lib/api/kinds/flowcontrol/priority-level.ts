import type {
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { inRange, nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { keepStatus, rules } from '../rules.ts';
import { keepSpecAndMetadata, specAndMetadata } from '../status-metadata.ts';
import { validateConditionTypes } from './conditions.ts';
import { mandatoryPriorityLevels } from './mandatory.ts';

const maxQueues = 10_000_000;
/** What is left of a 64-bit hash once modulo bias is small enough to neglect. */
const maxHashBits = 60;
const specPath = Path.of('spec');

export const priorityLevelConfigurationRules = rules<PriorityLevelConfiguration>({
  namespaced: false,

  applyDefaults({ metadata, spec }) {
    if (metadata.name === 'exempt') {
      spec.exempt ??= {};
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (!spec.limited) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (!queuing) return;
    queuing.handSize ||= 8;
    queuing.queues ||= 64;
    queuing.queueLengthLimit ||= 50;
  },

  prepareForCreate(level) {
    level.status = {};
  },

  prepareForUpdate: keepStatus,
  validateCreate: validate,
  validateUpdate: (level, old) => [
    ...validateObjectMetaUpdate(level.metadata, old.metadata),
    ...validate(level),
  ],
  prepareForStatusUpdate: keepSpecAndMetadata,
  statusResets: specAndMetadata,
  validateStatusUpdate: (level, old) => [
    ...validateObjectMetaUpdate(level.metadata, old.metadata),
    ...validateConditionTypes(level.status?.conditions),
  ],
  generationChanged: (level, old) => !sameValue(level.spec, old.spec),
});

function validate({ metadata, spec, status }: PriorityLevelConfiguration): FieldError[] {
  const name = metadata.name ?? '';
  return [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateSpec(name, spec),
    ...validateMandatory(name, spec),
    ...validateConditionTypes(status?.conditions),
  ];
}

/** Administrators may give the exempt level a share that it lends; nothing else of the two can be changed. */
function validateMandatory(name: string, spec: PriorityLevelConfigurationSpec): FieldError[] {
  const fixed = Object.hasOwn(mandatoryPriorityLevels, name) ? mandatoryPriorityLevels[name] : undefined;
  if (!fixed) return [];
  const compared = name === 'exempt' ? { ...spec, exempt: fixed.exempt } : spec;
  if (sameValue(compared, fixed)) return [];
  const but = name === 'exempt' ? " except the 'spec.exempt' field" : '';
  return [invalidValue(specPath, spec, `spec of '${name}'${but} must equal the fixed value`)];
}

function validateSpec(name: string, spec: PriorityLevelConfigurationSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { type, limited, exempt } = spec;
  const typePath = specPath.child('type');
  if ((name === 'exempt') !== (type === 'Exempt')) {
    const detail = "type must be 'Exempt' if and only if name is 'exempt'";
    errors.push(invalidValue(typePath, type, detail));
  }
  if (type === 'Exempt') {
    if (limited)
      errors.push(fieldForbidden(specPath.child('limited'), 'must be nil if the type is not Limited'));
    if (!exempt) errors.push(required(specPath.child('exempt'), 'must not be empty when type is Exempt'));
    else errors.push(...validateShares(exempt, specPath.child('exempt')));
  } else if (type === 'Limited') {
    if (exempt) errors.push(fieldForbidden(specPath.child('exempt'), 'must be nil if the type is Limited'));
    if (!limited) errors.push(required(specPath.child('limited'), 'must not be empty when type is Limited'));
    else errors.push(...validateLimited(limited, specPath.child('limited')));
  } else errors.push(notSupported(typePath, type, ['Exempt', 'Limited']));
  return errors;
}

function validateShares(
  level: { nominalConcurrencyShares?: number; lendablePercent?: number },
  path: Path,
): FieldError[] {
  const { nominalConcurrencyShares = 0, lendablePercent = 0 } = level;
  const errors: FieldError[] = [];
  if (nominalConcurrencyShares < 0) {
    const at = path.child('nominalConcurrencyShares');
    errors.push(invalidValue(at, nominalConcurrencyShares, 'must be a non-negative integer'));
  }
  for (const message of inRange(lendablePercent, 0, 100)) {
    errors.push(invalidValue(path.child('lendablePercent'), lendablePercent, message));
  }
  return errors;
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, path: Path): FieldError[] {
  const errors = [
    ...validateLimitResponse(limited.limitResponse ?? { type: '' }, path.child('limitResponse')),
    ...validateShares(limited, path),
  ];
  const { borrowingLimitPercent } = limited;
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    const detail = 'if specified, must be a non-negative integer';
    errors.push(invalidValue(path.child('borrowingLimitPercent'), borrowingLimitPercent, detail));
  }
  return errors;
}

function validateLimitResponse({ type, queuing }: LimitResponse, path: Path): FieldError[] {
  const at = path.child('queuing');
  if (type === 'Reject') {
    const detail = 'must be nil if limited.limitResponse.type is not Limited';
    return queuing ? [fieldForbidden(at, detail)] : [];
  }
  if (type === 'Queue') {
    if (queuing) return validateQueuing(queuing, at);
    return [required(at, 'must not be empty if limited.limitResponse.type is Limited')];
  }
  return [notSupported(path.child('type'), type, ['Queue', 'Reject'])];
}

function validateQueuing(queuing: QueuingConfiguration, path: Path): FieldError[] {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  const errors: FieldError[] = [];
  const positive = 'must be positive';
  if (queueLengthLimit <= 0) {
    errors.push(invalidValue(path.child('queueLengthLimit'), queueLengthLimit, positive));
  }
  if (queues <= 0) errors.push(invalidValue(path.child('queues'), queues, positive));
  else if (queues > maxQueues) {
    errors.push(invalidValue(path.child('queues'), queues, `must not be greater than ${maxQueues}`));
  }
  const refuse = (detail: string) => errors.push(invalidValue(path.child('handSize'), handSize, detail));
  const bits = Math.ceil(Math.log2(queues) * handSize);
  if (handSize <= 0) refuse(positive);
  else if (handSize > queues) refuse(`should not be greater than queues (${queues})`);
  else if (bits > maxHashBits) {
    refuse(
      `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`,
    );
  }
  return errors;
}
