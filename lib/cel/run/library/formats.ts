import {
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  labelValue,
  nameIs1035Label,
  nameIsLabel,
  nameIsSubdomain,
  qualifiedName,
} from '../../../api/validate/formats.ts';
import { Opaque, Optional } from '../values.ts';
import type { Implementations } from './implementation.ts';
import { urls } from './urls.ts';

type Check = (text: string) => string[];

class NamedFormat extends Opaque {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly check: Check;
  constructor(check: Check) {
    super();
    this.check = check;
  }
}

const pattern =
  (form: RegExp, problem: string): Check =>
  (text) =>
    form.test(text) ? [] : [problem];

const isDate = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) &&
  !Number.isNaN(Date.parse(text)) &&
  new Date(text).toISOString().startsWith(text);

const checks: Readonly<Record<string, Check>> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  qualifiedName,
  dns1123LabelPrefix: (text) => nameIsLabel(text, true),
  dns1123SubdomainPrefix: (text) => nameIsSubdomain(text, true),
  dns1035LabelPrefix: (text) => nameIs1035Label(text, true),
  labelValue,
  uri: (text) => (urls['isURL']?.([text], false) === true ? [] : ['invalid URI']),
  uuid: pattern(
    /^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$/,
    'does not match the UUID format',
  ),
  byte: pattern(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'invalid base64'),
  date: (text) => (isDate(text) ? [] : ['invalid date']),
  datetime: (text) =>
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[-+]\d\d:\d\d)$/.test(text) &&
    isDate(text.slice(0, 10))
      ? []
      : ['invalid datetime'],
};

const named = new Map(Object.entries(checks).map(([name, check]) => [name, new NamedFormat(check)]));

export const formats: Implementations = {
  ...Object.fromEntries([...named].map(([name, format]) => [`format.${name}`, () => format])),
  'format.named': ([name = null]) => {
    const found = typeof name === 'string' ? named.get(name) : undefined;
    return found ? new Optional(found) : Optional.none;
  },
  validate([format = null, text = null]) {
    if (!(format instanceof NamedFormat) || typeof text !== 'string') return undefined;
    const problems = format.check(text);
    return problems.length > 0 ? new Optional(problems) : Optional.none;
  },
};
