/** Creates the flow schemas and priority levels that a cluster starts with, and keeps them as they are meant to be. */
import type {
  FlowSchema,
  FlowSchemaCondition,
  PriorityLevelConfiguration,
} from '../../../lib/api/gen/types.ts';
import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
} from '../../../lib/api/kinds/flowcontrol/mandatory.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import { own } from '../../../lib/api/validate/own.ts';
import { sameValue } from '../../../lib/api/validate/equal.ts';
import { type Clock, rfc3339 } from '../../../lib/clock.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import { isKind } from '../../../lib/errors.ts';
import { allFlowSchemas, allPriorityLevels } from './flow-control-objects.ts';

const group = 'flowcontrol.apiserver.k8s.io';
/** Whether the server may change a suggested object's spec; who edits one sets it to `false`. */
const autoUpdate = 'apf.kubernetes.io/autoupdate-spec';
const fieldManager = 'api-priority-and-fairness-config-consumer-v1';

const flowSchemas: Resource<FlowSchema> = {
  group,
  version: 'v1',
  plural: 'flowschemas',
  kind: 'FlowSchema',
  namespaced: false,
};
const priorityLevels: Resource<PriorityLevelConfiguration> = {
  group,
  version: 'v1',
  plural: 'prioritylevelconfigurations',
  kind: 'PriorityLevelConfiguration',
  namespaced: false,
};

/** May run in several processes at once, and be broken off at any point. */
export async function ensureFlowControl(client: KubeClient, clock: Clock): Promise<void> {
  await ensureAll(client, priorityLevels, allPriorityLevels, mandatoryPriorityLevels);
  await ensureAll(client, flowSchemas, allFlowSchemas, mandatoryFlowSchemas);
  await reportDangling(client, clock);
}

interface WithSpec extends KubeObject {
  spec: object;
}

async function ensureAll<T extends WithSpec>(
  client: KubeClient,
  resource: Resource<T>,
  wanted: Readonly<Record<string, T['spec']>>,
  mandatory: Readonly<Record<string, T['spec']>>,
): Promise<void> {
  const { items } = await client.list(resource);
  const found = new Map(items.map((one) => [one.metadata.name, one]));
  await Promise.all(
    Object.entries(wanted).map(([name, spec]) => {
      const existing = found.get(name);
      if (!existing) {
        const object = { metadata: { name, annotations: { [autoUpdate]: 'true' } }, spec } as unknown as T;
        return tolerate(['AlreadyExists'], () => client.create(resource, object));
      }
      const isMandatory = Object.hasOwn(mandatory, name);
      return keep(client, resource, existing, spec, isMandatory);
    }),
  );
  // What an earlier release suggested and nobody made their own.
  const left = items.filter(
    ({ metadata }) =>
      own(metadata.annotations, autoUpdate) === 'true' && !Object.hasOwn(wanted, metadata.name),
  );
  await Promise.all(
    left.map(({ metadata: { name, uid, resourceVersion } }) =>
      tolerate(['NotFound', 'Conflict'], () =>
        client.delete(resource, { name }, { preconditions: { uid, resourceVersion } }),
      ),
    ),
  );
}

async function keep<T extends WithSpec>(
  client: KubeClient,
  resource: Resource<T>,
  existing: Persisted<T>,
  spec: T['spec'],
  isMandatory: boolean,
): Promise<void> {
  const { metadata } = existing;
  const annotation = own(metadata.annotations, autoUpdate);
  // Without a word in the annotation, an object that nobody has ever changed is the server's.
  const isOurs = annotation === undefined ? metadata.generation === 1 : annotation === 'true';
  const isWanted = isMandatory || isOurs;
  const mark = isWanted ? 'true' : 'false';
  const next = isWanted && !keepsSpec(metadata.name, existing.spec, spec) ? spec : existing.spec;
  if (annotation === mark && next === existing.spec) return;
  const updated = {
    ...existing,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [autoUpdate]: mark } },
    spec: next,
  };
  await tolerate(['Conflict', 'NotFound'], () => client.update(resource, updated));
}

/** The exempt level's share is the administrators' to set. */
function keepsSpec(name: string, found: object, wanted: object): boolean {
  if (name === 'exempt' && 'exempt' in found && 'exempt' in wanted) {
    return sameValue({ ...found, exempt: undefined }, { ...wanted, exempt: undefined });
  }
  return sameValue(found, wanted);
}

/** Says of each schema whether the priority level that it names exists. */
async function reportDangling(client: KubeClient, clock: Clock): Promise<void> {
  const [schemas, levels] = await Promise.all([client.list(flowSchemas), client.list(priorityLevels)]);
  const names = new Set(levels.items.map(({ metadata }) => metadata.name));
  await Promise.all(
    schemas.items.map((schema) => {
      const level = schema.spec.priorityLevelConfiguration.name;
      const wanted = danglingCondition(level, names.has(level));
      const before = schema.status?.conditions?.find(({ type }) => type === wanted.type);
      const { lastTransitionTime: _then, ...known } = before ?? {};
      if (sameValue(known, wanted)) return Promise.resolve();
      const isSameStatus = before?.status === wanted.status;
      const lastTransitionTime = (isSameStatus && before?.lastTransitionTime) || rfc3339(clock.now());
      return tolerate(['NotFound', 'Conflict'], () =>
        client.patch(
          flowSchemas,
          { name: schema.metadata.name },
          {
            type: 'apply',
            patch: {
              apiVersion: `${group}/v1`,
              kind: 'FlowSchema',
              metadata: { name: schema.metadata.name },
              status: { conditions: [{ ...wanted, lastTransitionTime }] },
            },
          },
          { subresource: 'status', fieldManager, force: true },
        ),
      );
    }),
  );
}

function danglingCondition(level: string, exists: boolean): FlowSchemaCondition {
  const reference = `This FlowSchema references the PriorityLevelConfiguration object named "${level}"`;
  return {
    type: 'Dangling',
    status: exists ? 'False' : 'True',
    reason: exists ? 'Found' : 'NotFound',
    message: exists ? `${reference} and it exists` : `${reference} but there is no such object`,
  };
}

/** Another process may have been quicker; the next look finds what it left. */
async function tolerate(
  kinds: readonly ('AlreadyExists' | 'Conflict' | 'NotFound')[],
  act: () => Promise<unknown>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!isKind(error, ...kinds)) throw error;
  }
}
