import type { ExtensionPoint } from '../config/settings.ts';
import type { Plugin, PluginContext, PluginFactory } from '../framework/plugin.ts';
import { balancedAllocation, type NodeResourcesBalancedAllocationArgs } from './balanced-allocation.ts';
import { defaultBinder } from './default-binder.ts';
import { defaultPreemption, type DefaultPreemptionArgs } from './default-preemption.ts';
import { dynamicResources, type DynamicResourcesArgs } from './devices/dynamic-resources.ts';
import { imageLocality } from './image-locality.ts';
import { interPodAffinity, type InterPodAffinityArgs } from './inter-pod-affinity.ts';
import { nodeAffinity, type NodeAffinityArgs } from './node-affinity.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeResourcesFit, type NodeResourcesFitArgs } from './node-resources-fit.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { podTopologySpread, type PodTopologySpreadArgs } from './pod-topology-spread.ts';
import { prioritySort } from './priority-sort.ts';
import { schedulingGates } from './scheduling-gates.ts';
import { taintToleration } from './taint-toleration.ts';
import { nodeVolumeLimits } from './volumes/node-volume-limits.ts';
import { volumeBinding, type VolumeBindingArgs } from './volumes/volume-binding.ts';
import { volumeRestrictions } from './volumes/volume-restrictions.ts';
import { volumeZone } from './volumes/volume-zone.ts';

/** Plugins by name. The arguments have been checked by the configuration before a factory sees them. */
export type Registry = ReadonlyMap<string, PluginFactory>;

export const builtInPlugins: Registry = new Map<string, PluginFactory>([
  ['SchedulingGates', plain(schedulingGates)],
  ['PrioritySort', plain(prioritySort)],
  ['NodeUnschedulable', plain(nodeUnschedulable)],
  ['NodeName', plain(nodeName)],
  ['TaintToleration', plain(taintToleration)],
  ['NodeAffinity', (args) => nodeAffinity(args as NodeAffinityArgs)],
  ['NodePorts', plain(nodePorts)],
  ['NodeResourcesFit', (args) => nodeResourcesFit(args as NodeResourcesFitArgs)],
  ['VolumeRestrictions', (_args, context) => volumeRestrictions(context)],
  ['NodeVolumeLimits', (_args, context) => nodeVolumeLimits(context)],
  ['VolumeBinding', (args, context) => volumeBinding((args ?? {}) as VolumeBindingArgs, context)],
  ['VolumeZone', (_args, context) => volumeZone(context)],
  ['PodTopologySpread', (args, context) => podTopologySpread((args ?? {}) as PodTopologySpreadArgs, context)],
  ['InterPodAffinity', (args, context) => interPodAffinity((args ?? {}) as InterPodAffinityArgs, context)],
  ['DynamicResources', (args, context) => dynamicResources((args ?? {}) as DynamicResourcesArgs, context)],
  ['DefaultPreemption', (args, context) => defaultPreemption((args ?? {}) as DefaultPreemptionArgs, context)],
  [
    'NodeResourcesBalancedAllocation',
    (args) => balancedAllocation(args as NodeResourcesBalancedAllocationArgs),
  ],
  ['ImageLocality', plain(imageLocality)],
  ['DefaultBinder', (_args, context: PluginContext) => defaultBinder(context)],
]);

/**
 * Where upstream's plugins of these names can be enabled; a plugin here may do without some of these (NodeResourcesFit needs
 * no PreScore), and a configuration that names it there is right all the same.
 */
export const builtInPoints: Readonly<Record<string, readonly ExtensionPoint[]>> = {
  SchedulingGates: ['preEnqueue'],
  PrioritySort: ['queueSort'],
  NodeUnschedulable: ['filter'],
  NodeName: ['filter'],
  TaintToleration: ['filter', 'preScore', 'score'],
  NodeAffinity: ['preFilter', 'filter', 'preScore', 'score'],
  NodePorts: ['preFilter', 'filter'],
  NodeResourcesFit: ['preFilter', 'filter', 'preScore', 'score'],
  VolumeRestrictions: ['preFilter', 'filter'],
  NodeVolumeLimits: ['preFilter', 'filter'],
  VolumeBinding: ['preFilter', 'filter', 'reserve', 'preBind', 'preScore', 'score'],
  VolumeZone: ['preFilter', 'filter'],
  PodTopologySpread: ['preFilter', 'filter', 'preScore', 'score'],
  InterPodAffinity: ['preFilter', 'filter', 'preScore', 'score'],
  DynamicResources: [
    'preEnqueue',
    'preFilter',
    'filter',
    'postFilter',
    'preScore',
    'score',
    'reserve',
    'preBind',
  ],
  DefaultPreemption: ['preEnqueue', 'postFilter'],
  NodeResourcesBalancedAllocation: ['preScore', 'score'],
  ImageLocality: ['preScore', 'score'],
  DefaultBinder: ['bind'],
};

/** The default plugins in upstream's order, which is the order in which they run, with their default weights. */
export const defaultPlugins: readonly { name: string; weight?: number }[] = [
  { name: 'SchedulingGates' },
  { name: 'PrioritySort' },
  { name: 'NodeUnschedulable' },
  { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts' },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'VolumeRestrictions' },
  { name: 'NodeVolumeLimits' },
  { name: 'VolumeBinding' },
  { name: 'VolumeZone' },
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  // Before preemption: rather is an idle claim freed than a pod removed.
  { name: 'DynamicResources', weight: 2 },
  { name: 'DefaultPreemption' },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  { name: 'DefaultBinder' },
];

function plain(make: () => Plugin): PluginFactory {
  return () => make();
}
