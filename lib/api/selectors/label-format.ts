/** The syntax of label keys and values (API concepts, "Labels and Selectors: Syntax and character set"). */

const name = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const subdomain = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const nameRule =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character" +
  ` (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${name}')`;
const valueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end" +
  ` with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${name})?')`;
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end" +
  ` with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`;

const namePattern = new RegExp(`^${name}$`);
const subdomainPattern = new RegExp(`^${subdomain}$`);

/** What is wrong with a label (or annotation) key, in Kubernetes' words; empty when nothing is. */
export function labelKeyErrors(key: string): string[] {
  const slash = key.indexOf('/');
  if (slash !== key.lastIndexOf('/')) {
    return [
      `a valid label key ${nameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const errors: string[] = [];
  if (slash === 0) errors.push('prefix part must be non-empty');
  if (slash > 0) {
    const prefix = key.slice(0, slash);
    if (byteLength(prefix) > 253) errors.push('prefix part must be no more than 253 bytes');
    if (!subdomainPattern.test(prefix)) errors.push(`prefix part ${subdomainRule}`);
  }
  const namePart = key.slice(slash + 1);
  if (namePart === '') errors.push('name part must be non-empty');
  else if (byteLength(namePart) > 63) errors.push('name part must be no more than 63 bytes');
  if (!namePattern.test(namePart)) errors.push(`name part ${nameRule}`);
  return errors;
}

/** What is wrong with a label value, in Kubernetes' words; empty when nothing is. */
export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > 63) errors.push('must be no more than 63 bytes');
  if (value !== '' && !namePattern.test(value)) errors.push(valueRule);
  return errors;
}

function byteLength(text: string): number {
  return Buffer.byteLength(text);
}
