/** What a KubeSchedulerConfiguration comes to once it is checked and merged with the defaults. */
export interface SchedulerSettings {
  podInitialBackoffSeconds: number;
  podMaxBackoffSeconds: number;
  profiles: readonly ProfileSettings[];
}

export interface ProfileSettings {
  schedulerName: string;
  /** 0: as many as the size of the cluster asks for. */
  percentageOfNodesToScore: number;
  /** Plugins by extension point, in the order in which they run. */
  points: Readonly<Record<ExtensionPoint, readonly EnabledPlugin[]>>;
  /** `pluginConfig`, by plugin. */
  args: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

export interface EnabledPlugin {
  name: string;
  /** Of its score; 0 stands for the default. */
  weight: number;
  /** Where the configuration enables it for this very point; absent for what `multiPoint` and the defaults bring. */
  at?: string;
}

export const extensionPoints = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof extensionPoints)[number];

/** What is wrong with a plugin that is enabled at a point it does not implement. */
export function notExtending(point: ExtensionPoint): string {
  return `does not extend ${point}`;
}

/** The method by which a plugin shows that it implements an extension point. */
export const methodOf = {
  preEnqueue: 'preEnqueue',
  queueSort: 'compare',
  preFilter: 'preFilter',
  filter: 'filter',
  postFilter: 'postFilter',
  preScore: 'preScore',
  score: 'score',
  reserve: 'reserve',
  permit: 'permit',
  preBind: 'preBind',
  bind: 'bind',
  postBind: 'postBind',
} as const satisfies Record<ExtensionPoint, string>;
