import type { KubeObject } from '../../../lib/api/object.ts';
import type { UserInfo } from '../../../lib/http/types.ts';
import type { RegistryEntry } from '../registry/registry.ts';
import type { AnyObject } from '../registry/strategy.ts';

export interface AdmissionAttributes {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  entry: RegistryEntry;
  namespace: string;
  name: string;
  subresource: string;
  /** What is about to be stored (or, on a create of a subresource, its body); mutating plugins change it in place. */
  object: AnyObject | undefined;
  oldObject: KubeObject | undefined;
  user: UserInfo;
  dryRun: boolean;
  warnings: string[];
  /** Of the request's audit event. */
  auditAnnotations: Record<string, string>;
  /** Run when a creation that plugins allowed is refused all the same, and only when it certainly was. */
  withdrawals: (() => Promise<void>)[];
  /** Set by the chain. */
  reinvocation?: Reinvocation;
}

/** A plugin that changed what others have looked at already can have all of them look once more. */
export interface Reinvocation {
  isWanted: boolean;
  /** This is the second round. */
  isAgain: boolean;
}

/** Looks at a write before it happens (API reference, "Admission control"); a throw refuses it. */
export interface AdmissionPlugin {
  readonly name: string;
  /** The types (by their storage) that it has to do with; absent: any. It is not asked about others. */
  readonly types?: readonly string[];
  mutate?(attributes: AdmissionAttributes): Promise<void>;
  validate?(attributes: AdmissionAttributes): Promise<void>;
}

export interface AdmissionChain {
  mutate(attributes: AdmissionAttributes): Promise<void>;
  validate(attributes: AdmissionAttributes): Promise<void>;
}

export function admissionChain(plugins: readonly AdmissionPlugin[]): AdmissionChain {
  const concerned = new WeakMap<RegistryEntry, Concerned>();
  const forEntry = (entry: RegistryEntry): Concerned => {
    let found = concerned.get(entry);
    if (!found) {
      const asked = plugins.filter(({ types }) => types?.includes(entry.storage) ?? true);
      found = {
        mutating: asked.filter((plugin) => plugin.mutate !== undefined),
        validating: asked.filter((plugin) => plugin.validate !== undefined),
      };
      concerned.set(entry, found);
    }
    return found;
  };
  return {
    async mutate(attributes) {
      const { mutating } = forEntry(attributes.entry);
      const reinvocation: Reinvocation = { isWanted: false, isAgain: false };
      attributes.reinvocation = reinvocation;
      for (const plugin of mutating) await plugin.mutate?.(attributes);
      if (!reinvocation.isWanted) return;
      reinvocation.isAgain = true;
      for (const plugin of mutating) await plugin.mutate?.(attributes);
    },
    async validate(attributes) {
      for (const plugin of forEntry(attributes.entry).validating) await plugin.validate?.(attributes);
    },
  };
}

/** The plugins that have something to do with a type, in their order. */
interface Concerned {
  mutating: readonly AdmissionPlugin[];
  validating: readonly AdmissionPlugin[];
}
