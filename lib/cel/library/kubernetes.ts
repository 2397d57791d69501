/** Functions that Kubernetes adds (docs, "Common Expression Language in Kubernetes", "Kubernetes CEL libraries"). */

const comparable = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const summable = ['int', 'uint', 'double', 'duration'];
const onLists = (name: string, types: readonly string[], result?: string): string =>
  `${name}: ${types.map((type) => `list(${type}).() -> ${result ?? type}`).join(' | ')}`;

export const lists = `
${onLists('isSorted', comparable, 'bool')}
${onLists('min', comparable)}
${onLists('max', comparable)}
${onLists('sum', summable)}
indexOf: list(A).(A) -> int
lastIndexOf: list(A).(A) -> int
`;

export const regex = `
find: string.(string) -> string
findAll: string.(string) -> list(string) | string.(string, int) -> list(string)
`;

export const urls = `
url: (string) -> kubernetes.URL
isURL: (string) -> bool
getScheme: kubernetes.URL.() -> string
getHost: kubernetes.URL.() -> string
getHostname: kubernetes.URL.() -> string
getPort: kubernetes.URL.() -> string
getEscapedPath: kubernetes.URL.() -> string
getQuery: kubernetes.URL.() -> map(string, list(string))
`;

const quantity = 'kubernetes.Quantity';
export const quantities = `
quantity: (string) -> ${quantity}
isQuantity: (string) -> bool
sign: ${quantity}.() -> int
isInteger: ${quantity}.() -> bool
asInteger: ${quantity}.() -> int
asApproximateFloat: ${quantity}.() -> double
add: ${quantity}.(${quantity}) -> ${quantity} | ${quantity}.(int) -> ${quantity}
sub: ${quantity}.(${quantity}) -> ${quantity} | ${quantity}.(int) -> ${quantity}
isLessThan: ${quantity}.(${quantity}) -> bool
isGreaterThan: ${quantity}.(${quantity}) -> bool
compareTo: ${quantity}.(${quantity}) -> int
`;

export const addresses = `
ip: (string) -> net.IP | net.CIDR.() -> net.IP
isIP: (string) -> bool
ip.isCanonical: (string) -> bool
family: net.IP.() -> int
isUnspecified: net.IP.() -> bool
isLoopback: net.IP.() -> bool
isLinkLocalMulticast: net.IP.() -> bool
isLinkLocalUnicast: net.IP.() -> bool
isGlobalUnicast: net.IP.() -> bool
cidr: (string) -> net.CIDR
isCIDR: (string) -> bool
containsIP: net.CIDR.(string) -> bool | net.CIDR.(net.IP) -> bool
containsCIDR: net.CIDR.(string) -> bool | net.CIDR.(net.CIDR) -> bool
masked: net.CIDR.() -> net.CIDR
prefixLength: net.CIDR.() -> int
string: (net.IP) -> string | (net.CIDR) -> string
`;

const format = 'kubernetes.NamedFormat';
const namedFormats = [
  'dns1123Label',
  'dns1123Subdomain',
  'dns1035Label',
  'qualifiedName',
  'dns1123LabelPrefix',
  'dns1123SubdomainPrefix',
  'dns1035LabelPrefix',
  'labelValue',
  'uri',
  'uuid',
  'byte',
  'date',
  'datetime',
];
export const formats = `
${namedFormats.map((name) => `format.${name}: () -> ${format}`).join('\n')}
format.named: (string) -> optional_type(${format})
validate: ${format}.(string) -> optional_type(list(string))
`;

const semver = 'kubernetes.Semver';
export const semvers = `
semver: (string) -> ${semver} | (string, bool) -> ${semver}
isSemver: (string) -> bool | (string, bool) -> bool
major: ${semver}.() -> int
minor: ${semver}.() -> int
patch: ${semver}.() -> int
isLessThan: ${semver}.(${semver}) -> bool
isGreaterThan: ${semver}.(${semver}) -> bool
compareTo: ${semver}.(${semver}) -> int
`;

const authorizer = 'kubernetes.authorization';
export const authorization = `
path: ${authorizer}.Authorizer.(string) -> ${authorizer}.PathCheck
group: ${authorizer}.Authorizer.(string) -> ${authorizer}.GroupCheck
serviceAccount: ${authorizer}.Authorizer.(string, string) -> ${authorizer}.Authorizer
resource: ${authorizer}.GroupCheck.(string) -> ${authorizer}.ResourceCheck
subresource: ${authorizer}.ResourceCheck.(string) -> ${authorizer}.ResourceCheck
namespace: ${authorizer}.ResourceCheck.(string) -> ${authorizer}.ResourceCheck
name: ${authorizer}.ResourceCheck.(string) -> ${authorizer}.ResourceCheck
fieldSelector: ${authorizer}.ResourceCheck.(string) -> ${authorizer}.ResourceCheck
labelSelector: ${authorizer}.ResourceCheck.(string) -> ${authorizer}.ResourceCheck
check: ${authorizer}.PathCheck.(string) -> ${authorizer}.Decision | ${authorizer}.ResourceCheck.(string) -> ${authorizer}.Decision
errored: ${authorizer}.Decision.() -> bool
error: ${authorizer}.Decision.() -> string
allowed: ${authorizer}.Decision.() -> bool
reason: ${authorizer}.Decision.() -> string
`;

export const jsonPatch = `
jsonpatch.escapeKey: (string) -> string
`;
