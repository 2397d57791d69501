import type { PackageFacts } from './package.ts';

export const resourceV1: PackageFacts = {
  name: 'io.k8s.api.resource.v1',
  group: 'resource.k8s.io',
  version: 'v1',
  types: `
    AllocatedDeviceStatus AllocationResult CELDeviceSelector CapacityRequestPolicy
    CapacityRequestPolicyRange CapacityRequirements Counter CounterSet Device
    DeviceAllocationConfiguration DeviceAllocationResult DeviceAttribute DeviceCapacity DeviceClaim
    DeviceClaimConfiguration DeviceClass DeviceClassConfiguration DeviceClassList DeviceClassSpec
    DeviceConstraint DeviceCounterConsumption DeviceRequest DeviceRequestAllocationResult DeviceSelector
    DeviceSubRequest DeviceTaint DeviceToleration ExactDeviceRequest NetworkDeviceData
    NodeAllocatableResourceMapping OpaqueDeviceConfiguration ResourceClaim ResourceClaimConsumerReference
    DeviceTaintRule DeviceTaintRuleList DeviceTaintRuleSpec DeviceTaintRuleStatus DeviceTaintSelector
    ResourceClaimList ResourceClaimSpec ResourceClaimStatus ResourceClaimTemplate
    ResourceClaimTemplateList ResourceClaimTemplateSpec ResourcePool ResourceSlice ResourceSliceList
    ResourceSliceSpec
  `,
  always: {
    AllocatedDeviceStatus: 'driver pool device conditions',
    AllocationResult: 'devices',
    CELDeviceSelector: 'expression',
    Counter: 'value',
    CounterSet: 'name',
    Device: 'name',
    DeviceAllocationConfiguration: 'source',
    DeviceCapacity: 'value',
    DeviceClaim: 'requests',
    DeviceClass: 'metadata spec',
    DeviceClassList: 'metadata items',
    DeviceCounterConsumption: 'counterSet',
    DeviceRequest: 'name',
    DeviceRequestAllocationResult: 'request driver pool device',
    DeviceSubRequest: 'name deviceClassName',
    DeviceTaint: 'key effect',
    ExactDeviceRequest: 'deviceClassName',
    OpaqueDeviceConfiguration: 'driver parameters',
    ResourceClaim: 'metadata spec status',
    ResourceClaimConsumerReference: 'resource name uid',
    ResourceClaimList: 'metadata items',
    ResourceClaimSpec: 'devices',
    DeviceTaintRule: 'metadata spec status',
    DeviceTaintRuleList: 'metadata items',
    DeviceTaintRuleSpec: 'taint',
    ResourceClaimTemplate: 'metadata spec',
    ResourceClaimTemplateList: 'metadata items',
    ResourceClaimTemplateSpec: 'metadata spec',
    ResourcePool: 'name generation resourceSliceCount',
    ResourceSlice: 'metadata spec',
    ResourceSliceList: 'metadata items',
    ResourceSliceSpec: 'driver pool',
  },
  facts: {
    DeviceTaintRuleStatus: {
      conditions: {
        listType: 'map',
        listMapKeys: ['type'],
        patchStrategy: ['merge'],
        patchMergeKey: 'type',
      },
    },
    AllocatedDeviceStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'] },
    },
    CapacityRequestPolicy: {
      default: { format: 'quantity' },
      validValues: { format: 'quantity' },
    },
    CapacityRequestPolicyRange: {
      max: { format: 'quantity' },
      min: { format: 'quantity' },
      step: { format: 'quantity' },
    },
    CapacityRequirements: {
      requests: { format: 'quantity' },
    },
    Counter: {
      value: { format: 'quantity' },
    },
    DeviceAllocationConfiguration: {
      source: { enum: ['FromClaim', 'FromClass'] },
    },
    DeviceCapacity: {
      value: { format: 'quantity' },
    },
    DeviceRequestAllocationResult: {
      consumedCapacity: { format: 'quantity' },
    },
    DeviceSubRequest: {
      allocationMode: { enum: ['All', 'ExactCount'] },
    },
    DeviceTaint: {
      effect: { enum: ['NoExecute', 'NoSchedule', 'None'] },
    },
    DeviceToleration: {
      effect: { enum: ['NoExecute', 'NoSchedule', 'None'] },
      operator: { enum: ['Equal', 'Exists'], default: 'Equal' },
    },
    ExactDeviceRequest: {
      allocationMode: { enum: ['All', 'ExactCount'] },
    },
    NodeAllocatableResourceMapping: {
      allocationMultiplier: { format: 'quantity' },
    },
    ResourceClaimStatus: {
      devices: { listType: 'map', listMapKeys: ['driver', 'device', 'pool', 'shareID'] },
      reservedFor: { listType: 'map', listMapKeys: ['uid'], patchStrategy: ['merge'], patchMergeKey: 'uid' },
    },
  },
};
