/** What runs expressions, loaded with the first policy and not with the server. */
type Runtime = typeof import('../../../../lib/cel/runtime.ts');

export type PolicyRuntime = Runtime;

let loaded: Runtime | undefined;

export async function loadRuntime(): Promise<Runtime> {
  loaded ??= await import('../../../../lib/cel/runtime.ts');
  return loaded;
}
