import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  IngressServiceBackend,
  IngressTLS,
} from '../../gen/types.ts';
import { matches, requiredMatch } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, required } from '../../validate/field-error.ts';
import {
  dns1123Label,
  dns1123Subdomain,
  nameIsSubdomain,
  portName,
  portNumber,
  wildcardDns1123Subdomain,
} from '../../validate/formats.ts';
import { parseIp, validateIpLegacy } from '../../validate/ip.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { own } from '../../validate/own.ts';
import { Path } from '../../validate/path.ts';
import { quote } from '../../validate/quote.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { validateTypedReference } from './ingress-class.ts';

const classAnnotation = 'kubernetes.io/ingress.class';
const forbiddenSequences = ['//', '/./', '/../', '%2f', '%2F'];
const forbiddenEndings = ['/..', '/.'];
const specPath = Path.of('spec');

export const ingressRules = rules<Ingress>({
  namespaced: true,
  allowUnconditionalUpdate: true,
  applyDefaults() {},

  prepareForCreate(ingress) {
    ingress.status = { loadBalancer: {} };
  },

  prepareForUpdate: keepStatus,

  validateCreate(ingress) {
    const errors = validate(ingress, { anySecretName: false, anyWildcardRule: false });
    const annotation = own(ingress.metadata.annotations, classAnnotation);
    const { ingressClassName } = ingress.spec;
    if (annotation !== undefined && ingressClassName !== undefined && annotation !== ingressClassName) {
      const detail = 'must match `ingressClassName` when both are specified';
      errors.push(invalidValue(Path.of('annotations', classAnnotation), annotation, detail));
    }
    return errors;
  },

  // What an older release let in may stay as it is.
  validateUpdate: (ingress, old) => [
    ...validateObjectMetaUpdate(ingress.metadata, old.metadata),
    ...validate(ingress, {
      anySecretName: (old.spec.tls ?? []).some(({ secretName }) => secretNameMessages(secretName).length > 0),
      anyWildcardRule: (old.spec.rules ?? []).some(
        (rule) => rule.host?.includes('*') && validatePaths(rule, specPath).length > 0,
      ),
    }),
  ],

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate: (ingress, old) => [
    ...validateObjectMetaUpdate(ingress.metadata, old.metadata),
    ...validateStatus(ingress, old),
  ],

  warnings: (ingress, old) =>
    !old &&
    own(ingress.metadata.annotations, classAnnotation) !== undefined &&
    ingress.spec.ingressClassName === undefined
      ? [`annotation ${quote(classAnnotation)} is deprecated, please use 'spec.ingressClassName' instead`]
      : [],

  generationChanged: (ingress, old) => !sameValue(ingress.spec, old.spec),
});

/** What is let through because the stored object has it already. */
interface Tolerated {
  anySecretName: boolean;
  anyWildcardRule: boolean;
}

function validate({ metadata, spec }: Ingress, tolerated: Tolerated): FieldError[] {
  const errors = validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain });
  const { rules: hosts = [], tls = [], defaultBackend, ingressClassName } = spec;
  if (hosts.length === 0 && !defaultBackend) {
    const detail = 'either `defaultBackend` or `rules` must be specified';
    errors.push(invalidValue(specPath, spec.rules, detail));
  }
  if (defaultBackend) errors.push(...validateBackend(defaultBackend, specPath.child('defaultBackend')));
  for (const [index, rule] of hosts.entries()) {
    errors.push(...validateRule(rule, tolerated, specPath.child('rules').index(index)));
  }
  for (const [index, entry] of tls.entries()) {
    errors.push(...validateTls(entry, tolerated, specPath.child('tls').index(index)));
  }
  if (ingressClassName !== undefined) {
    const at = specPath.child('ingressClassName');
    errors.push(...matches(dns1123Subdomain, ingressClassName, at));
  }
  return errors;
}

function validateRule(rule: IngressRule, tolerated: Tolerated, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const { host } = rule;
  const isWildcard = host?.includes('*') ?? false;
  if (host) {
    const at = path.child('host');
    if (parseIp(host)) errors.push(invalidValue(at, host, 'must be a DNS name, not an IP address'));
    errors.push(...matches(isWildcard ? wildcardDns1123Subdomain : dns1123Subdomain, host, at));
  }
  if (!isWildcard || !tolerated.anyWildcardRule) errors.push(...validatePaths(rule, path));
  return errors;
}

function validatePaths({ http }: IngressRule, path: Path): FieldError[] {
  if (!http) return [];
  const at = path.child('http', 'paths');
  const paths = http.paths ?? [];
  if (paths.length === 0) return [required(at)];
  return paths.flatMap((one, index) => validatePath(one, at.index(index)));
}

function validatePath({ path: text = '', pathType, backend }: HTTPIngressPath, path: Path): FieldError[] {
  // A type that is not given is not the empty type.
  if (pathType === undefined) return [required(path.child('pathType'), 'pathType must be specified')];
  const errors: FieldError[] = [];
  const at = path.child('path');
  const mustBeAbsolute = () => {
    if (!text.startsWith('/')) errors.push(invalidValue(at, text, 'must be an absolute path'));
  };
  if (pathType === 'Exact' || pathType === 'Prefix') {
    mustBeAbsolute();
    for (const sequence of forbiddenSequences) {
      if (text.includes(sequence)) errors.push(invalidValue(at, text, `must not contain '${sequence}'`));
    }
    for (const ending of forbiddenEndings) {
      if (text.endsWith(ending)) errors.push(invalidValue(at, text, `cannot end with '${ending}'`));
    }
  } else if (pathType === 'ImplementationSpecific') {
    if (text !== '') mustBeAbsolute();
  } else {
    const known = ['Exact', 'ImplementationSpecific', 'Prefix'];
    errors.push(notSupported(path.child('pathType'), pathType, known));
  }
  return [...errors, ...validateBackend(backend, path.child('backend'))];
}

function validateBackend({ resource, service }: IngressBackend, path: Path): FieldError[] {
  if (resource && service) return [invalidValue(path, '', 'cannot set both resource and service backends')];
  if (resource) return validateTypedReference(resource, path.child('resource'));
  if (service) return validateService(service, path);
  return [invalidValue(path, '', 'resource or service backend is required')];
}

/** Since KEP-5311 a Service's name is any DNS label. */
function validateService({ name, port }: IngressServiceBackend, path: Path): FieldError[] {
  const errors = requiredMatch(dns1123Label, name, path.child('service', 'name'));
  const at = path.child('service', 'port');
  if (port?.name && port.number) {
    errors.push(invalidValue(path, '', 'cannot set both port name & port number'));
  } else if (port?.name) errors.push(...matches(portName, port.name, at.child('name')));
  else if (port?.number) {
    const number = port.number;
    errors.push(...portNumber(number).map((message) => invalidValue(at.child('number'), number, message)));
  } else errors.push(required(path, 'port name or number is required'));
  return errors;
}

function validateTls({ hosts = [], secretName }: IngressTLS, tolerated: Tolerated, path: Path): FieldError[] {
  const errors = hosts.flatMap((host, index) => {
    const format = host.includes('*') ? wildcardDns1123Subdomain : dns1123Subdomain;
    return matches(format, host, path.child('hosts').index(index));
  });
  if (!tolerated.anySecretName) {
    for (const message of secretNameMessages(secretName)) {
      errors.push(invalidValue(path.child('secretName'), secretName, message));
    }
  }
  return errors;
}

function secretNameMessages(name: string | undefined): string[] {
  return name ? dns1123Subdomain(name) : [];
}

function validateStatus(ingress: Ingress, old: Ingress): FieldError[] {
  const stored = old.status?.loadBalancer?.ingress?.flatMap(({ ip }) => ip || []);
  const path = Path.of('status', 'loadBalancer', 'ingress');
  return (ingress.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, index) => {
    const at = path.index(index);
    const errors = ip ? validateIpLegacy(at.child('ip'), ip, stored) : [];
    if (hostname) {
      errors.push(...matches(dns1123Subdomain, hostname, at.child('hostname')));
      if (parseIp(hostname)) {
        const detail = 'must be a DNS name, not an IP address';
        errors.push(invalidValue(at.child('hostname'), hostname, detail));
      }
    }
    return errors;
  });
}
