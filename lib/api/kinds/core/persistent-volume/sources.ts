/** What is behind a PersistentVolume: one source each, most of them of drivers that CSI has replaced. */
import { isIPv6 } from 'node:net';
import type {
  AzureDiskVolumeSource,
  CSIPersistentVolumeSource,
  FCVolumeSource,
  FlockerVolumeSource,
  ISCSIPersistentVolumeSource,
  PersistentVolumeSpec,
  QuobyteVolumeSource,
  SecretReference,
} from '../../../gen/types.ts';
import { filled, matches, noBacksteps, optionalChoice, withinRange } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../../validate/formats.ts';
import type { Path } from '../../../validate/path.ts';
import { validateDriverName } from '../../driver-name.ts';
import { validateHostPath } from '../pod/volumes.ts';

type Check<T> = (source: T, path: Path, volumeName: string) => FieldError[];
type Sources = Pick<PersistentVolumeSpec, SourceName>;
type SourceName =
  | 'hostPath'
  | 'gcePersistentDisk'
  | 'awsElasticBlockStore'
  | 'glusterfs'
  | 'flocker'
  | 'nfs'
  | 'rbd'
  | 'quobyte'
  | 'cephfs'
  | 'iscsi'
  | 'cinder'
  | 'fc'
  | 'flexVolume'
  | 'azureFile'
  | 'vsphereVolume'
  | 'photonPersistentDisk'
  | 'portworxVolume'
  | 'azureDisk'
  | 'scaleIO'
  | 'local'
  | 'storageos'
  | 'csi';

const fieldsOf =
  <T extends object>(...names: (keyof T & string)[]): Check<T> =>
  (source, path) =>
    names.flatMap((name) => (isFilled(source[name]) ? [] : [required(path.child(name))]));

const isFilled = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value));

const namedSecret = (reference: SecretReference | undefined, path: Path): FieldError[] =>
  reference
    ? [
        ...filled(reference.name, path.child('secretRef', 'name')),
        ...filled(reference.namespace, path.child('secretRef', 'namespace')),
      ]
    : [];

const partition = (value: number | undefined, path: Path): FieldError[] =>
  (value ?? 0) < 0 || (value ?? 0) > 255
    ? [invalidValue(path.child('partition'), value, 'must be between 1 and 255, inclusive')]
    : [];

/** In the order in which the API looks at them, which decides which of two is one too many. */
const checks: { [Name in SourceName]: Check<NonNullable<Sources[Name]>> } = {
  hostPath: validateHostPath,
  gcePersistentDisk: (source, path) => [
    ...filled(source.pdName, path.child('pdName')),
    ...partition(source.partition, path),
  ],
  awsElasticBlockStore: (source, path) => [
    ...filled(source.volumeID, path.child('volumeID')),
    ...partition(source.partition, path),
  ],
  glusterfs: (source, path) => [
    ...filled(source.endpoints, path.child('endpoints')),
    ...filled(source.path, path.child('path')),
    ...endpointsNamespace(source.endpointsNamespace, path.child('endpointsNamespace')),
  ],
  flocker: validateFlocker,
  nfs: (source, path) => [
    ...filled(source.server, path.child('server')),
    ...filled(source.path, path.child('path')),
    ...(source.path?.startsWith('/')
      ? []
      : [invalidValue(path.child('path'), source.path ?? '', 'must be an absolute path')]),
  ],
  rbd: fieldsOf('monitors', 'image'),
  quobyte: validateQuobyte,
  cephfs: fieldsOf('monitors'),
  iscsi: validateIscsi,
  cinder: (source, path) => [
    ...filled(source.volumeID, path.child('volumeID')),
    ...namedSecret(source.secretRef, path),
  ],
  fc: validateFibreChannel,
  flexVolume: (source, path) => [
    ...filled(source.driver, path.child('driver')),
    ...Object.keys(source.options ?? {}).flatMap((key) => reservedOption(key, path.child('options'))),
  ],
  azureFile: (source, path) => [
    ...filled(source.secretName, path.child('secretName')),
    ...filled(source.shareName, path.child('shareName')),
    ...(source.secretNamespace === '' ? [required(path.child('secretNamespace'))] : []),
  ],
  vsphereVolume: fieldsOf('volumePath'),
  photonPersistentDisk: fieldsOf('pdID'),
  portworxVolume: fieldsOf('volumeID'),
  azureDisk: validateAzureDisk,
  scaleIO: fieldsOf('gateway', 'system', 'volumeName'),
  local: (source, path) =>
    source.path ? noBacksteps(source.path, path.child('path')) : [required(path.child('path'))],
  storageos: (source, path) => [
    ...(source.volumeName
      ? matches(dns1123Label, source.volumeName, path.child('volumeName'))
      : [required(path.child('volumeName'))]),
    ...(source.volumeNamespace
      ? matches(dns1123Label, source.volumeNamespace, path.child('volumeNamespace'))
      : []),
    ...namedSecret(source.secretRef, path),
  ],
  csi: validateCsi,
};

const sourceNames = Object.keys(checks) as SourceName[];

/** The source's own fields, for comparing what may never change. */
export function sourceOf(spec: PersistentVolumeSpec): Sources {
  return Object.fromEntries(
    sourceNames.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]])),
  ) as Sources;
}

/** Exactly one. */
export function validateVolumeSource(
  spec: PersistentVolumeSpec,
  volumeName: string,
  path: Path,
): FieldError[] {
  const given = sourceNames.filter((name) => spec[name] !== undefined);
  if (given.length === 0) return [required(path, 'must specify a volume type')];
  return given.flatMap((name, index) => {
    // Upstream has never counted this one as one too many.
    if (index > 0 && name !== 'flexVolume') {
      const field = name === 'cephfs' ? 'cephFS' : name;
      return [fieldForbidden(path.child(field), 'may not specify more than 1 volume type')];
    }
    const field = name === 'gcePersistentDisk' ? 'persistentDisk' : name;
    const check = checks[name] as Check<unknown>;
    return check(spec[name], path.child(field), volumeName);
  });
}

function endpointsNamespace(namespace: string | undefined, path: Path): FieldError[] {
  if (namespace === undefined) return [];
  if (namespace !== '') return matches(dns1123Label, namespace, path);
  const detail = 'if the endpointnamespace is set, it must be a valid namespace name';
  return [invalidValue(path, namespace, detail)];
}

function validateFlocker({ datasetName, datasetUUID }: FlockerVolumeSource, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (!datasetName && !datasetUUID) {
    errors.push(required(path, 'one of datasetName and datasetUUID is required'));
  }
  if (datasetName && datasetUUID) {
    const detail = 'datasetName and datasetUUID can not be specified simultaneously';
    errors.push(invalidValue(path, 'resource', detail));
  }
  if (datasetName?.includes('/')) {
    errors.push(invalidValue(path.child('datasetName'), datasetName, "must not contain '/'"));
  }
  return errors;
}

function validateQuobyte({ registry, tenant = '', volume }: QuobyteVolumeSource, path: Path): FieldError[] {
  const detail = 'must be a host:port pair or multiple pairs separated by commas';
  const errors: FieldError[] = [];
  if (!registry) errors.push(required(path.child('registry'), detail));
  else if (tenant.length >= 65) {
    const tooLong = 'must be a UUID and may not exceed a length of 64 characters';
    errors.push(required(path.child('tenant'), tooLong));
  } else {
    for (const pair of registry.split(',')) {
      if (!isHostAndPort(pair)) errors.push(invalidValue(path.child('registry'), registry, detail));
    }
  }
  return [...errors, ...filled(volume, path.child('volume'))];
}

/** `host:port` or `[v6]:port`, as Go's net.SplitHostPort takes it: either part may be empty. */
function isHostAndPort(text: string): boolean {
  const bracketed = /^\[([^[\]]*)\]:[^:[\]]*$/.exec(text);
  if (bracketed) return true;
  return /^[^:[\]]*:[^:[\]]*$/.test(text) && !isIPv6(text);
}

const initiatorForms: readonly (readonly [prefix: string, form: RegExp])[] = [
  ['iqn', /iqn\.\d{4}-\d{2}\.([0-9A-Za-z.-]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[0-9A-Za-z]{16}$/],
  ['naa', /^naa.[0-9A-Za-z]{32}$/],
];

/** What iSCSI allows (RFC 3720, 3.2.6.1); no form may be looked for in a text of a megabyte. */
const maxInitiatorBytes = 223;
const isInitiator = (name: string): boolean =>
  name.length <= maxInitiatorBytes &&
  initiatorForms.some(([prefix, form]) => name.startsWith(prefix) && form.test(name));

function validateIscsi(source: ISCSIPersistentVolumeSource, path: Path, volumeName: string): FieldError[] {
  const { targetPortal, iqn, lun, initiatorName, secretRef } = source;
  const errors = filled(targetPortal, path.child('targetPortal'));
  if (initiatorName !== undefined && `${volumeName}:${targetPortal}`.length > 64) {
    const detail =
      'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
    errors.push(invalidValue(path.child('targetportal'), targetPortal, detail));
  }
  const format = 'must be valid format';
  if (!iqn) errors.push(required(path.child('iqn')));
  else if (!isInitiator(iqn)) errors.push(invalidValue(path.child('iqn'), iqn, format));
  errors.push(...withinRange(lun, 0, 255, path.child('lun')));
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !secretRef) {
    errors.push(required(path.child('secretRef')));
  }
  if (secretRef) errors.push(...filled(secretRef.name, path.child('secretRef', 'name')));
  if (initiatorName !== undefined && !isInitiator(initiatorName)) {
    errors.push(invalidValue(path.child('initiatorname'), initiatorName, format));
  }
  return errors;
}

function validateFibreChannel(
  { targetWWNs = [], wwids = [], lun }: FCVolumeSource,
  path: Path,
): FieldError[] {
  const at = path.child('targetWWNs');
  const errors: FieldError[] = [];
  if (targetWWNs.length === 0 && wwids.length === 0) {
    errors.push(required(at, 'must specify either targetWWNs or wwids, but not both'));
  }
  if (targetWWNs.length > 0 && wwids.length > 0) {
    const detail = 'targetWWNs and wwids can not be specified simultaneously';
    errors.push(invalidValue(at, targetWWNs, detail));
  }
  if (targetWWNs.length > 0) {
    if (lun === undefined) {
      errors.push(required(path.child('lun'), 'lun is required if targetWWNs is specified'));
    } else errors.push(...withinRange(lun, 0, 255, path.child('lun')));
  }
  return errors;
}

function reservedOption(key: string, path: Path): FieldError[] {
  const domain = `.${key.split('/', 1)[0]?.toLowerCase()}`;
  if (!domain.endsWith('.kubernetes.io') && !domain.endsWith('.k8s.io')) return [];
  return [invalidValue(path.key(key), key, 'kubernetes.io and k8s.io namespaces are reserved')];
}

function validateAzureDisk(source: AzureDiskVolumeSource, path: Path): FieldError[] {
  const { diskName, diskURI = '', cachingMode, kind } = source;
  const errors = [...filled(diskName, path.child('diskName')), ...filled(diskURI, path.child('diskURI'))];
  errors.push(
    ...optionalChoice(cachingMode, ['None', 'ReadOnly', 'ReadWrite'], path.child('cachingMode')),
    ...optionalChoice(kind, ['Dedicated', 'Managed', 'Shared'], path.child('kind')),
  );
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) {
    const form =
      '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
    errors.push(notSupported(path.child('diskURI'), diskURI, [form]));
  }
  if (kind !== undefined && kind !== 'Managed' && !diskURI.startsWith('https://')) {
    const form = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
    errors.push(notSupported(path.child('diskURI'), diskURI, [form]));
  }
  return errors;
}

const csiSecrets = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const;

function validateCsi(source: CSIPersistentVolumeSource, path: Path): FieldError[] {
  const errors = [
    ...validateDriverName(source.driver, path.child('driver')),
    ...filled(source.volumeHandle, path.child('volumeHandle')),
  ];
  for (const field of csiSecrets) {
    const reference = source[field];
    if (!reference) continue;
    const { name, namespace } = reference;
    const at = path.child(field);
    errors.push(
      ...(name ? matches(dns1123Subdomain, name, at.child('name')) : [required(at.child('name'))]),
      ...(namespace
        ? matches(dns1123Label, namespace, at.child('namespace'))
        : [required(at.child('namespace'))]),
    );
  }
  return errors;
}
