/**
 * Reads the published model of the Kubernetes API that `@kubernetes/client-node` carries: names, types, formats and
 * documentation of every property, and which are required. Everything generated under `lib/api/gen` starts here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Model {
  /** As client-node spells it: `V1Pod`, `CoreV1Event`, `V2HorizontalPodAutoscaler`. */
  className: string;
  description: string;
  properties: ModelProperty[];
}

export interface ModelProperty {
  name: string;
  /** client-node's type: `string`, `Array<V1Container>`, `{ [key: string]: string; }`, `V1PodSpec`, `IntOrString`, `Date`, `any`. */
  type: string;
  /** `int32`, `date-time`, `byte`, `double`, or empty. */
  format: string;
  required: boolean;
  description: string;
}

const modelsDir = join(
  dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node')),
  'gen',
  'models',
);

/**
 * Kinds that the package carries in a version before v1 alone, and that are served as v1, which has the same fields but
 * those of `dropped` (KEP-3257, KEP-4317, KEP-4192, KEP-5055).
 */
const promoted: Readonly<Record<string, readonly string[]>> = {
  V1beta1: [
    'ClusterTrustBundle',
    'ClusterTrustBundleList',
    'ClusterTrustBundleSpec',
    'PodCertificateRequest',
    'PodCertificateRequestList',
    'PodCertificateRequestSpec',
    'PodCertificateRequestStatus',
    'StorageVersionMigration',
    'StorageVersionMigrationList',
    'StorageVersionMigrationSpec',
    'StorageVersionMigrationStatus',
  ],
  V1beta2: [
    'DeviceTaintRule',
    'DeviceTaintRuleList',
    'DeviceTaintRuleSpec',
    'DeviceTaintRuleStatus',
    'DeviceTaintSelector',
  ],
};

/** What their v1 has no more. */
const dropped: Readonly<Record<string, readonly string[]>> = {
  PodCertificateRequestSpec: ['pkixPublicKey', 'proofOfPossession'],
};

function promote(all: Map<string, Model>): void {
  for (const [version, names] of Object.entries(promoted)) {
    for (const name of names) {
      const model = all.get(`${version}${name}`);
      if (!model) throw new Error(`the package has no ${version}${name}`);
      const properties = model.properties
        .filter(({ name: property }) => !dropped[name]?.includes(property))
        .map((property) => ({
          ...property,
          type: property.type.replaceAll(new RegExp(`\\b${version}(?=[A-Z])`, 'g'), 'V1'),
        }));
      all.set(`V1${name}`, { ...model, className: `V1${name}`, properties });
    }
  }
}

/** The models of stable versions, and those that they refer to, by class name, sorted. */
export async function readModels(): Promise<Map<string, Model>> {
  const all = new Map<string, Model>();
  for (const file of readdirSync(modelsDir).sort()) {
    if (!file.endsWith('.d.ts') || /^(ObjectSerializer|all)\.d\.ts$/.test(file)) continue;
    const className = file.slice(0, -'.d.ts'.length);
    const model = await readModel(className);
    if (model) all.set(className, model);
  }
  promote(all);
  const kept = new Map<string, Model>();
  const keep = (className: string) => {
    const model = all.get(className);
    if (!model || kept.has(className)) return;
    kept.set(className, model);
    for (const property of model.properties) {
      for (const [reference] of property.type.matchAll(/\b[A-Z]\w+/g)) keep(reference);
    }
  };
  for (const className of all.keys()) {
    if (!/V\d+(alpha|beta)\d+/.test(className)) keep(className);
  }
  return new Map([...kept].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function readModel(className: string): Promise<Model | undefined> {
  const declaration = readFileSync(join(modelsDir, `${className}.d.ts`), 'utf8');
  const module = (await import(pathToFileURL(join(modelsDir, `${className}.js`)).href)) as Record<
    string,
    { attributeTypeMap?: { name: string; baseName: string; type: string; format: string }[] } | undefined
  >;
  const attributes = module[className]?.attributeTypeMap;
  if (!attributes) return undefined;
  const description = /\/\*\*\n\* (.*)\n\*\/\nexport declare class/.exec(declaration)?.[1] ?? '';
  const declared = new Map<string, { required: boolean; description: string }>();
  for (const match of declaration.matchAll(/(?:\/\*\*\n\s*\* (.*)\n\s*\*\/\n\s*)?'([^']+)'(\?)?: /g)) {
    declared.set(match[2] ?? '', { required: !match[3], description: unescape(match[1] ?? '') });
  }
  return {
    className,
    description: unescape(description),
    properties: attributes.map(({ name, baseName, type, format }) => {
      const found = declared.get(name);
      if (!found) throw new Error(`${className}.${name}: not in the declaration file`);
      return { name: baseName, type, format, ...found };
    }),
  };
}

function unescape(text: string): string {
  return text.replaceAll(/\\(['"`])/g, '$1');
}

/** The name of a class in our own types: the version is dropped where it is plain v1 (`V1Pod` is `Pod`). */
export function typeName(className: string): string {
  return /^V1[A-Z]/.test(className) ? className.slice(2) : className;
}
