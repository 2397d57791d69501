import type { IngressClass, IngressClassParametersReference } from '../../gen/types.ts';
import { filled, matches } from '../../validate/check.ts';
import { validateDomainPrefixedPath } from '../../validate/domain-path.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, notSupported, required, tooLong } from '../../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain, nameIsSubdomain, pathSegment } from '../../validate/formats.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

const maxControllerBytes = 250;
const spec = Path.of('spec');

export const ingressClassRules = rules<IngressClass>({
  namespaced: false,
  allowUnconditionalUpdate: true,

  applyDefaults(ingressClass) {
    const { parameters } = ingressClass.spec;
    if (parameters) parameters.scope ??= 'Cluster';
  },

  validateCreate: validate,

  validateUpdate: (ingressClass, old) => [
    ...validateObjectMetaUpdate(ingressClass.metadata, old.metadata),
    ...immutable(ingressClass.spec.controller, old.spec.controller, spec.child('controller')),
    ...validate(ingressClass),
  ],

  generationChanged: (ingressClass, old) => !sameValue(ingressClass.spec, old.spec),
});

function validate(ingressClass: IngressClass): FieldError[] {
  const { controller, parameters } = ingressClass.spec;
  const path = spec.child('controller');
  return [
    ...validateObjectMeta(ingressClass.metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...(Buffer.byteLength(controller ?? '') > maxControllerBytes ? [tooLong(path, maxControllerBytes)] : []),
    ...validateDomainPrefixedPath(controller, path),
    ...(parameters ? validateParameters(parameters, spec.child('parameters')) : []),
  ];
}

/** What a class's controller is configured with: an object of the cluster or of one namespace (KEP-2365). */
function validateParameters(parameters: IngressClassParametersReference, path: Path): FieldError[] {
  const { scope, namespace } = parameters;
  const errors = validateTypedReference(parameters, path);
  if (scope === undefined) return [...errors, required(path.child('scope'))];
  const at = path.child('namespace');
  if (scope === 'Namespace') {
    if (namespace === undefined) errors.push(required(at, "`parameters.scope` is set to 'Namespace'"));
    else errors.push(...matches(dns1123Label, namespace, at));
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) errors.push(fieldForbidden(at, "`parameters.scope` is set to 'Cluster'"));
  } else errors.push(notSupported(path.child('scope'), scope, ['Cluster', 'Namespace']));
  return errors;
}

/** A reference by group, kind and name. */
export function validateTypedReference(
  { apiGroup, kind, name }: { apiGroup?: string; kind: string; name: string },
  path: Path,
): FieldError[] {
  const errors = apiGroup === undefined ? [] : matches(dns1123Subdomain, apiGroup, path.child('apiGroup'));
  for (const [field, value] of [
    ['kind', kind],
    ['name', name],
  ] as const) {
    errors.push(...filled(value, path.child(field)));
    if (value) errors.push(...matches(pathSegment, value, path.child(field)));
  }
  return errors;
}
