/**
 * The formats of names and small strings, as the API words them. Each function returns the messages for a value, none
 * when it is right. Lengths are of UTF-8 bytes. (apimachinery `util/validation`; RFC 1035, RFC 1123)
 */

export type Format = (value: string) => string[];

const bytes = (value: string): number => Buffer.byteLength(value);

function atMostCharacters(value: string, max: number): string[] {
  return bytes(value) > max ? [`must be no more than ${max} characters`] : [];
}

function atMostBytes(value: string, max: number): string[] {
  return bytes(value) > max ? [`must be no more than ${max} bytes`] : [];
}

/** `rule (e.g. 'a',  or 'b', regex used for validation is '…')` */
export function regexMessage(rule: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${rule} (regex used for validation is '${pattern}')`;
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${rule} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const labelPattern = new RegExp(`^${label}$`);
const subdomain = `${label}(\\.${label})*`;
const subdomainPattern = new RegExp(`^${subdomain}$`);

export const dns1123Label: Format = (value) => {
  const errors = atMostCharacters(value, 63);
  if (labelPattern.test(value)) return errors;
  if (subdomainPattern.test(value)) return [...errors, 'must not contain dots'];
  const rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [...errors, regexMessage(rule, label, 'my-name', '123-abc')];
};

export const dns1123Subdomain: Format = (value) => {
  const errors = atMostCharacters(value, 253);
  if (subdomainPattern.test(value)) return errors;
  const rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [...errors, regexMessage(rule, subdomain, 'example.com')];
};

const underscoreLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const underscoreSubdomain = `${underscoreLabel}(\\.${underscoreLabel})*`;
const underscoreSubdomainPattern = new RegExp(`^${underscoreSubdomain}$`);

export const dns1123SubdomainWithUnderscore: Format = (value) => {
  const errors = atMostCharacters(value, 253);
  if (underscoreSubdomainPattern.test(value)) return errors;
  const rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
  return [...errors, regexMessage(rule, underscoreSubdomain, 'example.com')];
};

const wildcardSubdomain = `\\*\\.${subdomain}`;
const wildcardSubdomainPattern = new RegExp(`^${wildcardSubdomain}$`);

export const wildcardDns1123Subdomain: Format = (value) => {
  const errors = atMostCharacters(value, 253);
  if (wildcardSubdomainPattern.test(value)) return errors;
  const rule =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [...errors, regexMessage(rule, wildcardSubdomain, '*.example.com')];
};

const dns1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const dns1035Pattern = new RegExp(`^${dns1035}$`);

export const dns1035Label: Format = (value) => {
  const errors = atMostCharacters(value, 63);
  if (dns1035Pattern.test(value)) return errors;
  const rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [...errors, regexMessage(rule, dns1035, 'my-name', 'abc-123')];
};

const namePart = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const namePartPattern = new RegExp(`^${namePart}$`);
const namePartRule =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** A label's key and everything named like one: `app`, `example.com/name`. */
export const qualifiedName: Format = (value) => {
  const parts = value.split('/');
  const errors: string[] = [];
  const message = () => regexMessage(namePartRule, namePart, 'MyName', 'my.name', '123-abc');
  if (parts.length > 2) {
    return [
      `a valid label key ${message()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else
      errors.push(
        ...dns1123Subdomain(prefix).map((text) => `prefix part ${text.replace(/ characters$/, ' bytes')}`),
      );
  }
  if (name === '') errors.push('name part must be non-empty');
  else errors.push(...atMostBytes(name, 63).map((text) => `name part ${text}`));
  if (!namePartPattern.test(name)) errors.push(`name part ${message()}`);
  return errors;
};

const labelValueText = `(${namePart})?`;
const labelValuePattern = new RegExp(`^${labelValueText}$`);

export const labelValue: Format = (value) => {
  const errors = atMostBytes(value, 63);
  if (labelValuePattern.test(value)) return errors;
  const rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  return [...errors, regexMessage(rule, labelValueText, 'MyValue', 'my_value', '12345')];
};

const identifier = '[A-Za-z_][A-Za-z0-9_]*';
const identifierPattern = new RegExp(`^${identifier}$`);

export const cIdentifier: Format = (value) => {
  if (identifierPattern.test(value)) return [];
  const rule =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  return [regexMessage(rule, identifier, 'my_name', 'MY_NAME', 'MyName')];
};

export const inRange = (value: number, low: number, high: number): string[] =>
  Number.isInteger(value) && value >= low && value <= high
    ? []
    : [`must be between ${low} and ${high}, inclusive`];

export const portNumber = (value: number): string[] => inRange(value, 1, 65535);

/** An IANA service name. */
export const portName: Format = (value) => {
  const errors = atMostCharacters(value, 15);
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
};

export const isPercent = (value: string): boolean => /^[0-9]+%$/.test(value);

export const percent: Format = (value) =>
  isPercent(value)
    ? []
    : [
        regexMessage(
          "a valid percent string must be a numeric string followed by an ending '%'",
          '[0-9]+%',
          '1%',
          '93%',
        ),
      ];

export const httpHeaderName: Format = (value) =>
  /^[-A-Za-z0-9]+$/.test(value)
    ? []
    : [
        regexMessage(
          "a valid HTTP header must consist of alphanumeric characters or '-'",
          '[-A-Za-z0-9]+',
          'X-Header-Name',
        ),
      ];

/** Since KEP-4369 a variable's name may hold any printable ASCII character but `=`. */
export const envVarName: Format = (value) => {
  if (value === '') return ['environment variable name must be non-empty'];
  return /^[\x20-\x3c\x3e-\x7e]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
};

/** A key of a ConfigMap or Secret, which can be the name of a file. */
export const configMapKey: Format = (value) => {
  const errors = atMostCharacters(value, 253);
  if (!/^[-._a-zA-Z0-9]+$/.test(value)) {
    const rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    errors.push(regexMessage(rule, '[-._a-zA-Z0-9]+', 'key.name', 'KEY_NAME', 'key-name'));
  }
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
};

/** A name that is one segment of a path. */
export const pathSegment: Format = (value) => {
  if (value === '.') return [`may not be '.'`];
  if (value === '..') return [`may not be '..'`];
  return pathSegmentPrefix(value);
};

const pathSegmentPrefix: Format = (value) =>
  ['/', '%']
    .filter((character) => value.includes(character))
    .map((character) => `may not contain '${character}'`);

/** How the names of a kind look; a prefix, as in `generateName`, may end where a name may not. */
export type NameRule = (name: string, isPrefix: boolean) => string[];

const maskTrailingDash = (name: string): string =>
  name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;

const nameRule =
  (format: Format): NameRule =>
  (name, isPrefix) =>
    format(isPrefix ? maskTrailingDash(name) : name);

export const nameIsSubdomain = nameRule(dns1123Subdomain);
export const nameIsLabel = nameRule(dns1123Label);
export const nameIs1035Label = nameRule(dns1035Label);
export const nameIsPathSegment: NameRule = (name, isPrefix) =>
  isPrefix ? pathSegmentPrefix(name) : pathSegment(name);
