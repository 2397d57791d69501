import type { PodTemplate } from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';
import { applyTemplateDefaults, validatePodTemplate } from './pod/template.ts';
import { podWarnings } from './pod/warnings.ts';

const templatePath = Path.of('template');

/** A template that stands by itself; nothing makes pods of it. */
export const podTemplateRules = rules<PodTemplate>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ template }) {
    if (template) applyTemplateDefaults(template);
  },

  validateCreate: (object) => [
    ...validateObjectMeta(object.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateTemplate(object),
  ],

  validateUpdate: (object, old) => [
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...validateTemplate(object),
  ],

  warnings: ({ template }, old) =>
    old && sameValue(template, old.template) ? [] : podWarnings(template, templatePath),

  generationChanged: (object, old) => !sameValue(object.template, old.template),
});

function validateTemplate({ template }: PodTemplate): FieldError[] {
  return template ? validatePodTemplate(template, templatePath) : [];
}
