import type {
  VolumeAttachment,
  VolumeAttachmentSource,
  VolumeAttachmentStatus,
  VolumeError,
} from '../../gen/types.ts';
import { filled, matches } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, required, tooLong } from '../../validate/field-error.ts';
import { dns1123Subdomain, nameIsSubdomain } from '../../validate/formats.ts';
import { immutableMessage, validateObjectMeta } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { validateInlineVolumeSpec } from '../core/persistent-volume/spec.ts';
import { validateDriverName } from '../driver-name.ts';
import { keepStatus, rules } from '../rules.ts';
import { keepSpecAndMetadata, specAndMetadata } from '../status-metadata.ts';

const specPath = Path.of('spec');
const statusPath = Path.of('status');
const maxMetadataBytes = 256 * 1024;
const maxMessageBytes = 1024;

export const volumeAttachmentRules = rules<VolumeAttachment>({
  namespaced: false,

  applyDefaults({ spec }) {
    const inline = spec.source?.inlineVolumeSpec;
    if (inline) inline.volumeMode ??= 'Filesystem';
  },

  prepareForCreate(attachment) {
    attachment.status = { attached: false };
  },

  validateCreate: (attachment) => [...validate(attachment), ...validateNames(attachment)],
  prepareForUpdate: keepStatus,

  validateUpdate(attachment, old) {
    const errors = validate(attachment);
    if (sameValue(attachment.spec, old.spec)) return errors;
    return [...errors, invalidValue(specPath, attachment.spec, immutableMessage)];
  },

  prepareForStatusUpdate: keepSpecAndMetadata,
  statusResets: specAndMetadata,

  validateStatusUpdate: validate,
});

function validate({ metadata, spec, status }: VolumeAttachment): FieldError[] {
  const { attacher, source, nodeName } = spec;
  const nodePath = specPath.child('nodeName');
  return [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...filled(attacher, specPath.child('attacher')),
    ...validateSource(source ?? {}, specPath.child('source')),
    ...matches(dns1123Subdomain, nodeName ?? '', nodePath),
    ...(status ? validateStatus(status) : []),
  ];
}

function validateSource(source: VolumeAttachmentSource, path: Path): FieldError[] {
  const { inlineVolumeSpec, persistentVolumeName } = source;
  const detail = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inlineVolumeSpec && persistentVolumeName !== undefined) return [fieldForbidden(path, detail)];
  if (inlineVolumeSpec) return validateInlineVolumeSpec(inlineVolumeSpec, path.child('inlineVolumeSpec'));
  if (persistentVolumeName === undefined) return [required(path, detail)];
  const at = path.child('persistentVolumeName');
  return filled(persistentVolumeName, at, 'must specify non empty persistentVolumeName');
}

/** What v1 is stricter about than the versions before it. */
function validateNames({ spec }: VolumeAttachment): FieldError[] {
  const name = spec.source?.persistentVolumeName;
  return [
    ...validateDriverName(spec.attacher, specPath.child('attacher')),
    ...(name === undefined
      ? []
      : matches(dns1123Subdomain, name, specPath.child('source', 'persistentVolumeName'))),
  ];
}

function validateStatus(status: VolumeAttachmentStatus): FieldError[] {
  const { attachmentMetadata = {}, attachError, detachError } = status;
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(attachmentMetadata)) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > maxMetadataBytes) {
    errors.push(tooLong(statusPath.child('attachmentMetadata'), maxMetadataBytes));
  }
  return [
    ...errors,
    ...validateError(attachError, statusPath.child('attachError')),
    ...validateError(detachError, statusPath.child('detachError')),
  ];
}

function validateError(error: VolumeError | undefined, path: Path): FieldError[] {
  if (!error) return [];
  const errors: FieldError[] = [];
  if (Buffer.byteLength(error.message ?? '') > maxMessageBytes) {
    // Upstream names the bound of the metadata here.
    errors.push(tooLong(path.child('message'), maxMetadataBytes));
  }
  if ((error.errorCode ?? 0) < 0) {
    const detail = 'must be between 0 and 2147483647, inclusive';
    errors.push(invalidValue(path.child('errorCode'), error.errorCode, detail));
  }
  return errors;
}
