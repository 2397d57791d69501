import type { PackageFacts } from './package.ts';

export const coreV1: PackageFacts = {
  name: 'io.k8s.api.core.v1',
  group: '',
  version: 'v1',
  types: `
    AWSElasticBlockStoreVolumeSource Affinity AppArmorProfile AttachedVolume AzureDiskVolumeSource
    AzureFilePersistentVolumeSource AzureFileVolumeSource Binding CSIPersistentVolumeSource
    CSIVolumeSource Capabilities CephFSPersistentVolumeSource CephFSVolumeSource
    CinderPersistentVolumeSource CinderVolumeSource ClientIPConfig ClusterTrustBundleProjection
    ComponentCondition ComponentStatus ComponentStatusList ConfigMap ConfigMapEnvSource
    ConfigMapKeySelector ConfigMapList ConfigMapNodeConfigSource ConfigMapProjection ConfigMapVolumeSource
    Container ContainerExtendedResourceRequest ContainerImage ContainerPort ContainerResizePolicy
    ContainerRestartRule ContainerRestartRuleOnExitCodes ContainerState ContainerStateRunning
    ContainerStateTerminated ContainerStateWaiting ContainerStatus ContainerUser DaemonEndpoint
    DownwardAPIProjection DownwardAPIVolumeFile DownwardAPIVolumeSource EmptyDirVolumeSource
    EndpointAddress EndpointPort EndpointSubset Endpoints EndpointsList EnvFromSource EnvVar EnvVarSource
    EphemeralContainer EphemeralVolumeSource Event EventList EventSeries EventSource ExecAction
    FCVolumeSource FileKeySelector FlexPersistentVolumeSource FlexVolumeSource FlockerVolumeSource
    GCEPersistentDiskVolumeSource GRPCAction GitRepoVolumeSource GlusterfsPersistentVolumeSource
    GlusterfsVolumeSource HTTPGetAction HTTPHeader HostAlias HostIP HostPathVolumeSource
    ISCSIPersistentVolumeSource ISCSIVolumeSource ImageVolumeSource ImageVolumeStatus KeyToPath Lifecycle
    LifecycleHandler LimitRange LimitRangeItem LimitRangeList LimitRangeSpec LinuxContainerUser
    LoadBalancerIngress LoadBalancerStatus LocalObjectReference LocalVolumeSource ModifyVolumeStatus
    NFSVolumeSource Namespace NamespaceCondition NamespaceList NamespaceSpec NamespaceStatus Node
    NodeAddress NodeAffinity NodeAllocatableResourceClaimStatus NodeCondition NodeConfigSource
    NodeConfigStatus NodeDaemonEndpoints NodeFeatures NodeList NodeRuntimeHandler
    NodeRuntimeHandlerFeatures NodeSelector NodeSelectorRequirement NodeSelectorTerm NodeSpec NodeStatus
    NodeSwapStatus NodeSystemInfo ObjectFieldSelector ObjectReference PersistentVolume
    PersistentVolumeClaim PersistentVolumeClaimCondition PersistentVolumeClaimList
    PersistentVolumeClaimSpec PersistentVolumeClaimStatus PersistentVolumeClaimTemplate
    PersistentVolumeClaimVolumeSource PersistentVolumeList PersistentVolumeSpec PersistentVolumeStatus
    PhotonPersistentDiskVolumeSource Pod PodAffinity PodAffinityTerm PodAntiAffinity
    PodCertificateProjection PodCondition PodDNSConfig PodDNSConfigOption PodExtendedResourceClaimStatus
    PodIP PodList PodOS PodReadinessGate PodResourceClaim PodResourceClaimStatus PodSchedulingGate
    PodSchedulingGroup PodSecurityContext PodSpec PodStatus PodTemplate PodTemplateList PodTemplateSpec
    PortStatus PortworxVolumeSource PreferredSchedulingTerm Probe ProjectedVolumeSource
    QuobyteVolumeSource RBDPersistentVolumeSource RBDVolumeSource ReplicationController
    ReplicationControllerCondition ReplicationControllerList ReplicationControllerSpec
    ReplicationControllerStatus ResourceClaim ResourceFieldSelector ResourceHealth ResourceQuota
    ResourceQuotaList ResourceQuotaSpec ResourceQuotaStatus ResourceRequirements ResourceStatus
    SELinuxOptions ScaleIOPersistentVolumeSource ScaleIOVolumeSource ScopeSelector
    ScopedResourceSelectorRequirement SeccompProfile Secret SecretEnvSource SecretKeySelector SecretList
    SecretProjection SecretReference SecretVolumeSource SecurityContext Service ServiceAccount
    ServiceAccountList ServiceAccountTokenProjection ServiceList ServicePort ServiceSpec ServiceStatus
    SessionAffinityConfig SleepAction StorageOSPersistentVolumeSource StorageOSVolumeSource Sysctl
    TCPSocketAction Taint Toleration TopologySelectorLabelRequirement TopologySelectorTerm
    TopologySpreadConstraint TypedLocalObjectReference TypedObjectReference Volume VolumeDevice
    VolumeMount VolumeMountStatus VolumeNodeAffinity VolumeProjection VolumeResourceRequirements
    VolumeStatus VsphereVirtualDiskVolumeSource WeightedPodAffinityTerm WindowsSecurityContextOptions
  `,
  always: {
    AWSElasticBlockStoreVolumeSource: 'volumeID',
    AppArmorProfile: 'type',
    AttachedVolume: 'name devicePath',
    AzureDiskVolumeSource: 'diskName diskURI',
    AzureFilePersistentVolumeSource: 'secretName shareName',
    AzureFileVolumeSource: 'secretName shareName',
    Binding: 'metadata target',
    CSIPersistentVolumeSource: 'driver volumeHandle',
    CSIVolumeSource: 'driver',
    CephFSPersistentVolumeSource: 'monitors',
    CephFSVolumeSource: 'monitors',
    CinderPersistentVolumeSource: 'volumeID',
    CinderVolumeSource: 'volumeID',
    ClusterTrustBundleProjection: 'path',
    ComponentCondition: 'type status',
    ComponentStatus: 'metadata',
    ComponentStatusList: 'metadata items',
    ConfigMap: 'metadata',
    ConfigMapKeySelector: 'key',
    ConfigMapList: 'metadata items',
    ConfigMapNodeConfigSource: 'namespace name kubeletConfigKey',
    Container: 'name resources',
    ContainerExtendedResourceRequest: 'containerName resourceName requestName',
    ContainerImage: 'names',
    ContainerPort: 'containerPort',
    ContainerResizePolicy: 'resourceName restartPolicy',
    ContainerStateRunning: 'startedAt',
    ContainerStateTerminated: 'exitCode startedAt finishedAt',
    ContainerStatus: 'name state lastState ready restartCount image imageID',
    DaemonEndpoint: 'Port',
    DownwardAPIVolumeFile: 'path',
    EndpointAddress: 'ip',
    EndpointPort: 'port',
    Endpoints: 'metadata',
    EndpointsList: 'metadata items',
    EnvVar: 'name',
    EphemeralContainer: 'name resources',
    Event:
      'metadata involvedObject source firstTimestamp lastTimestamp eventTime reportingComponent reportingInstance',
    EventList: 'metadata items',
    EventSeries: 'lastObservedTime',
    FileKeySelector: 'volumeName path key',
    FlexPersistentVolumeSource: 'driver',
    FlexVolumeSource: 'driver',
    GCEPersistentDiskVolumeSource: 'pdName',
    GRPCAction: 'port',
    GitRepoVolumeSource: 'repository',
    GlusterfsPersistentVolumeSource: 'endpoints path',
    GlusterfsVolumeSource: 'endpoints path',
    HTTPGetAction: 'port',
    HTTPHeader: 'name value',
    HostAlias: 'ip',
    HostIP: 'ip',
    HostPathVolumeSource: 'path',
    ISCSIPersistentVolumeSource: 'targetPortal iqn lun',
    ISCSIVolumeSource: 'targetPortal iqn lun',
    KeyToPath: 'key path',
    LimitRange: 'metadata spec',
    LimitRangeItem: 'type',
    LimitRangeList: 'metadata items',
    LimitRangeSpec: 'limits',
    LinuxContainerUser: 'uid gid',
    LocalVolumeSource: 'path',
    ModifyVolumeStatus: 'status',
    NFSVolumeSource: 'server path',
    Namespace: 'metadata spec status',
    NamespaceCondition: 'type status lastTransitionTime',
    NamespaceList: 'metadata items',
    Node: 'metadata spec status',
    NodeAddress: 'type address',
    NodeAllocatableResourceClaimStatus: 'resourceClaimName resources',
    NodeCondition: 'type status lastHeartbeatTime lastTransitionTime',
    NodeDaemonEndpoints: 'kubeletEndpoint',
    NodeList: 'metadata items',
    NodeRuntimeHandler: 'name',
    NodeSelector: 'nodeSelectorTerms',
    NodeSelectorRequirement: 'key operator',
    NodeStatus: 'daemonEndpoints nodeInfo',
    NodeSystemInfo:
      'machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion operatingSystem architecture',
    ObjectFieldSelector: 'fieldPath',
    PersistentVolume: 'metadata spec status',
    PersistentVolumeClaim: 'metadata spec status',
    PersistentVolumeClaimCondition: 'type status lastProbeTime lastTransitionTime',
    PersistentVolumeClaimList: 'metadata items',
    PersistentVolumeClaimSpec: 'resources',
    PersistentVolumeClaimTemplate: 'metadata spec',
    PersistentVolumeClaimVolumeSource: 'claimName',
    PersistentVolumeList: 'metadata items',
    PhotonPersistentDiskVolumeSource: 'pdID',
    Pod: 'metadata spec status',
    PodAffinityTerm: 'topologyKey',
    PodCondition: 'type status lastProbeTime lastTransitionTime',
    PodExtendedResourceClaimStatus: 'requestMappings resourceClaimName',
    PodIP: 'ip',
    PodList: 'metadata items',
    PodOS: 'name',
    PodReadinessGate: 'conditionType',
    PodResourceClaim: 'name',
    PodResourceClaimStatus: 'name',
    PodSchedulingGate: 'name',
    PodSpec: 'containers',
    PodTemplate: 'metadata template',
    PodTemplateList: 'metadata items',
    PodTemplateSpec: 'metadata spec',
    PortStatus: 'port protocol',
    PortworxVolumeSource: 'volumeID',
    PreferredSchedulingTerm: 'weight preference',
    ProjectedVolumeSource: 'sources',
    QuobyteVolumeSource: 'registry volume',
    RBDPersistentVolumeSource: 'monitors image',
    RBDVolumeSource: 'monitors image',
    ReplicationController: 'metadata spec status',
    ReplicationControllerCondition: 'type status lastTransitionTime',
    ReplicationControllerList: 'metadata items',
    ReplicationControllerStatus: 'replicas',
    ResourceClaim: 'name',
    ResourceFieldSelector: 'resource divisor',
    ResourceHealth: 'resourceID',
    ResourceQuota: 'metadata spec status',
    ResourceQuotaList: 'metadata items',
    ResourceStatus: 'name',
    ScaleIOPersistentVolumeSource: 'gateway system',
    ScaleIOVolumeSource: 'gateway system',
    ScopedResourceSelectorRequirement: 'scopeName operator',
    SeccompProfile: 'type',
    Secret: 'metadata',
    SecretKeySelector: 'key',
    SecretList: 'metadata items',
    Service: 'metadata spec status',
    ServiceAccount: 'metadata',
    ServiceAccountList: 'metadata items',
    ServiceAccountTokenProjection: 'path',
    ServiceList: 'metadata items',
    ServicePort: 'port targetPort',
    ServiceStatus: 'loadBalancer',
    SleepAction: 'seconds',
    Sysctl: 'name value',
    TCPSocketAction: 'port',
    Taint: 'key effect',
    TopologySelectorLabelRequirement: 'key values',
    TopologySpreadConstraint: 'maxSkew topologyKey whenUnsatisfiable',
    TypedLocalObjectReference: 'kind name',
    TypedObjectReference: 'kind name',
    Volume: 'name',
    VolumeDevice: 'name devicePath',
    VolumeMount: 'name mountPath',
    VolumeMountStatus: 'name mountPath',
    VsphereVirtualDiskVolumeSource: 'volumePath',
    WeightedPodAffinityTerm: 'weight podAffinityTerm',
  },
  facts: {
    AppArmorProfile: {
      type: { enum: ['Localhost', 'RuntimeDefault', 'Unconfined'] },
    },
    AzureDiskVolumeSource: {
      cachingMode: { enum: ['None', 'ReadOnly', 'ReadWrite'], default: 'ReadWrite' },
      fsType: { default: 'ext4' },
      kind: { enum: ['Dedicated', 'Managed', 'Shared'], default: 'Shared' },
    },
    ComponentStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    ConfigMapKeySelector: {
      '.': { mapType: 'atomic' },
    },
    Container: {
      env: { listType: 'map', listMapKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name' },
      imagePullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
      ports: {
        listType: 'map',
        listMapKeys: ['containerPort', 'protocol'],
        patchStrategy: ['merge'],
        patchMergeKey: 'containerPort',
      },
      terminationMessagePolicy: { enum: ['FallbackToLogsOnError', 'File'] },
      volumeDevices: {
        listType: 'map',
        listMapKeys: ['devicePath'],
        patchStrategy: ['merge'],
        patchMergeKey: 'devicePath',
      },
      volumeMounts: {
        listType: 'map',
        listMapKeys: ['mountPath'],
        patchStrategy: ['merge'],
        patchMergeKey: 'mountPath',
      },
    },
    ContainerPort: {
      protocol: { enum: ['SCTP', 'TCP', 'UDP'], default: 'TCP' },
    },
    ContainerRestartRuleOnExitCodes: {
      values: { listType: 'set' },
    },
    ContainerStatus: {
      allocatedResources: { format: 'quantity' },
      allocatedResourcesStatus: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge'],
        patchMergeKey: 'name',
      },
      stopSignal: {
        enum: [
          'SIGABRT',
          'SIGALRM',
          'SIGBUS',
          'SIGCHLD',
          'SIGCLD',
          'SIGCONT',
          'SIGFPE',
          'SIGHUP',
          'SIGILL',
          'SIGINT',
          'SIGIO',
          'SIGIOT',
          'SIGKILL',
          'SIGPIPE',
          'SIGPOLL',
          'SIGPROF',
          'SIGPWR',
          'SIGQUIT',
          'SIGRTMAX',
          'SIGRTMAX-1',
          'SIGRTMAX-10',
          'SIGRTMAX-11',
          'SIGRTMAX-12',
          'SIGRTMAX-13',
          'SIGRTMAX-14',
          'SIGRTMAX-2',
          'SIGRTMAX-3',
          'SIGRTMAX-4',
          'SIGRTMAX-5',
          'SIGRTMAX-6',
          'SIGRTMAX-7',
          'SIGRTMAX-8',
          'SIGRTMAX-9',
          'SIGRTMIN',
          'SIGRTMIN+1',
          'SIGRTMIN+10',
          'SIGRTMIN+11',
          'SIGRTMIN+12',
          'SIGRTMIN+13',
          'SIGRTMIN+14',
          'SIGRTMIN+15',
          'SIGRTMIN+2',
          'SIGRTMIN+3',
          'SIGRTMIN+4',
          'SIGRTMIN+5',
          'SIGRTMIN+6',
          'SIGRTMIN+7',
          'SIGRTMIN+8',
          'SIGRTMIN+9',
          'SIGSEGV',
          'SIGSTKFLT',
          'SIGSTOP',
          'SIGSYS',
          'SIGTERM',
          'SIGTRAP',
          'SIGTSTP',
          'SIGTTIN',
          'SIGTTOU',
          'SIGURG',
          'SIGUSR1',
          'SIGUSR2',
          'SIGVTALRM',
          'SIGWINCH',
          'SIGXCPU',
          'SIGXFSZ',
        ],
      },
      volumeMounts: {
        listType: 'map',
        listMapKeys: ['mountPath'],
        patchStrategy: ['merge'],
        patchMergeKey: 'mountPath',
      },
    },
    EmptyDirVolumeSource: {
      sizeLimit: { format: 'quantity' },
    },
    EndpointAddress: {
      '.': { mapType: 'atomic' },
    },
    EndpointPort: {
      '.': { mapType: 'atomic' },
      protocol: { enum: ['SCTP', 'TCP', 'UDP'] },
    },
    EphemeralContainer: {
      env: { listType: 'map', listMapKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name' },
      imagePullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
      ports: {
        listType: 'map',
        listMapKeys: ['containerPort', 'protocol'],
        patchStrategy: ['merge'],
        patchMergeKey: 'containerPort',
      },
      terminationMessagePolicy: { enum: ['FallbackToLogsOnError', 'File'] },
      volumeDevices: {
        listType: 'map',
        listMapKeys: ['devicePath'],
        patchStrategy: ['merge'],
        patchMergeKey: 'devicePath',
      },
      volumeMounts: {
        listType: 'map',
        listMapKeys: ['mountPath'],
        patchStrategy: ['merge'],
        patchMergeKey: 'mountPath',
      },
    },
    FileKeySelector: {
      '.': { mapType: 'atomic' },
    },
    HTTPGetAction: {
      scheme: { enum: ['HTTP', 'HTTPS'] },
    },
    HostPathVolumeSource: {
      type: {
        enum: [
          '',
          'BlockDevice',
          'CharDevice',
          'Directory',
          'DirectoryOrCreate',
          'File',
          'FileOrCreate',
          'Socket',
        ],
      },
    },
    ISCSIPersistentVolumeSource: {
      iscsiInterface: { default: 'default' },
    },
    ISCSIVolumeSource: {
      iscsiInterface: { default: 'default' },
    },
    ImageVolumeSource: {
      pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
    },
    Lifecycle: {
      stopSignal: {
        enum: [
          'SIGABRT',
          'SIGALRM',
          'SIGBUS',
          'SIGCHLD',
          'SIGCLD',
          'SIGCONT',
          'SIGFPE',
          'SIGHUP',
          'SIGILL',
          'SIGINT',
          'SIGIO',
          'SIGIOT',
          'SIGKILL',
          'SIGPIPE',
          'SIGPOLL',
          'SIGPROF',
          'SIGPWR',
          'SIGQUIT',
          'SIGRTMAX',
          'SIGRTMAX-1',
          'SIGRTMAX-10',
          'SIGRTMAX-11',
          'SIGRTMAX-12',
          'SIGRTMAX-13',
          'SIGRTMAX-14',
          'SIGRTMAX-2',
          'SIGRTMAX-3',
          'SIGRTMAX-4',
          'SIGRTMAX-5',
          'SIGRTMAX-6',
          'SIGRTMAX-7',
          'SIGRTMAX-8',
          'SIGRTMAX-9',
          'SIGRTMIN',
          'SIGRTMIN+1',
          'SIGRTMIN+10',
          'SIGRTMIN+11',
          'SIGRTMIN+12',
          'SIGRTMIN+13',
          'SIGRTMIN+14',
          'SIGRTMIN+15',
          'SIGRTMIN+2',
          'SIGRTMIN+3',
          'SIGRTMIN+4',
          'SIGRTMIN+5',
          'SIGRTMIN+6',
          'SIGRTMIN+7',
          'SIGRTMIN+8',
          'SIGRTMIN+9',
          'SIGSEGV',
          'SIGSTKFLT',
          'SIGSTOP',
          'SIGSYS',
          'SIGTERM',
          'SIGTRAP',
          'SIGTSTP',
          'SIGTTIN',
          'SIGTTOU',
          'SIGURG',
          'SIGUSR1',
          'SIGUSR2',
          'SIGVTALRM',
          'SIGWINCH',
          'SIGXCPU',
          'SIGXFSZ',
        ],
      },
    },
    LimitRangeItem: {
      default: { format: 'quantity' },
      defaultRequest: { format: 'quantity' },
      max: { format: 'quantity' },
      maxLimitRequestRatio: { format: 'quantity' },
      min: { format: 'quantity' },
    },
    LocalObjectReference: {
      '.': { mapType: 'atomic' },
    },
    ModifyVolumeStatus: {
      status: { enum: ['InProgress', 'Infeasible', 'Pending'] },
    },
    NamespaceStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
      phase: { enum: ['Active', 'Terminating'] },
    },
    NodeAllocatableResourceClaimStatus: {
      containers: { listType: 'set' },
      resources: { format: 'quantity' },
    },
    NodeSelector: {
      '.': { mapType: 'atomic' },
    },
    NodeSelectorRequirement: {
      operator: { enum: ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'] },
    },
    NodeSelectorTerm: {
      '.': { mapType: 'atomic' },
    },
    NodeSpec: {
      podCIDRs: { listType: 'set', patchStrategy: ['merge'] },
    },
    NodeStatus: {
      addresses: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
      allocatable: { format: 'quantity' },
      capacity: { format: 'quantity' },
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
      phase: { enum: ['Pending', 'Running', 'Terminated'] },
    },
    ObjectFieldSelector: {
      '.': { mapType: 'atomic' },
    },
    ObjectReference: {
      '.': { mapType: 'atomic' },
    },
    PersistentVolumeClaimSpec: {
      accessModes: { enum: ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'] },
      volumeMode: { enum: ['Block', 'Filesystem'] },
    },
    PersistentVolumeClaimStatus: {
      accessModes: { enum: ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'] },
      allocatedResourceStatuses: {
        mapType: 'granular',
        enum: [
          'ControllerResizeInProgress',
          'ControllerResizeInfeasible',
          'NodeResizeInProgress',
          'NodeResizeInfeasible',
          'NodeResizePending',
        ],
      },
      allocatedResources: { format: 'quantity' },
      capacity: { format: 'quantity' },
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
      phase: { enum: ['Bound', 'Lost', 'Pending'] },
    },
    PersistentVolumeSpec: {
      accessModes: { enum: ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'] },
      capacity: { format: 'quantity' },
      claimRef: { mapType: 'granular' },
      persistentVolumeReclaimPolicy: { enum: ['Delete', 'Recycle', 'Retain'] },
      volumeMode: { enum: ['Block', 'Filesystem'] },
    },
    PersistentVolumeStatus: {
      phase: { enum: ['Available', 'Bound', 'Failed', 'Pending', 'Released'] },
    },
    PodSecurityContext: {
      fsGroupChangePolicy: { enum: ['Always', 'OnRootMismatch'] },
      supplementalGroupsPolicy: { enum: ['Merge', 'Strict'] },
    },
    PodSpec: {
      containers: { listType: 'map', listMapKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name' },
      dnsPolicy: { enum: ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'] },
      ephemeralContainers: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge'],
        patchMergeKey: 'name',
      },
      hostAliases: { listType: 'map', listMapKeys: ['ip'], patchStrategy: ['merge'], patchMergeKey: 'ip' },
      imagePullSecrets: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge'],
        patchMergeKey: 'name',
      },
      initContainers: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge'],
        patchMergeKey: 'name',
      },
      nodeSelector: { mapType: 'atomic' },
      overhead: { format: 'quantity' },
      preemptionPolicy: { enum: ['Never', 'PreemptLowerPriority'] },
      resourceClaims: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge', 'retainKeys'],
        patchMergeKey: 'name',
      },
      restartPolicy: { enum: ['Always', 'Never', 'OnFailure'] },
      schedulingGates: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge'],
        patchMergeKey: 'name',
      },
      topologySpreadConstraints: {
        listType: 'map',
        listMapKeys: ['topologyKey', 'whenUnsatisfiable'],
        patchStrategy: ['merge'],
        patchMergeKey: 'topologyKey',
      },
      volumes: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge', 'retainKeys'],
        patchMergeKey: 'name',
      },
    },
    PodStatus: {
      allocatedResources: { format: 'quantity' },
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
      hostIPs: { patchStrategy: ['merge'], patchMergeKey: 'ip' },
      phase: { enum: ['Failed', 'Pending', 'Running', 'Succeeded', 'Unknown'] },
      podIPs: { listType: 'map', listMapKeys: ['ip'], patchStrategy: ['merge'], patchMergeKey: 'ip' },
      qosClass: { enum: ['BestEffort', 'Burstable', 'Guaranteed'] },
      resourceClaimStatuses: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge', 'retainKeys'],
        patchMergeKey: 'name',
      },
    },
    PortStatus: {
      protocol: { enum: ['SCTP', 'TCP', 'UDP'] },
    },
    RBDPersistentVolumeSource: {
      keyring: { default: '/etc/ceph/keyring' },
      pool: { default: 'rbd' },
      user: { default: 'admin' },
    },
    RBDVolumeSource: {
      keyring: { default: '/etc/ceph/keyring' },
      pool: { default: 'rbd' },
      user: { default: 'admin' },
    },
    ReplicationControllerSpec: {
      replicas: { default: 1 },
      selector: { mapType: 'atomic' },
    },
    ReplicationControllerStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    ResourceFieldSelector: {
      '.': { mapType: 'atomic' },
      divisor: { format: 'quantity' },
    },
    ResourceQuotaSpec: {
      hard: { format: 'quantity' },
      scopes: {
        enum: [
          'BestEffort',
          'CrossNamespacePodAffinity',
          'NotBestEffort',
          'NotTerminating',
          'PriorityClass',
          'Terminating',
          'VolumeAttributesClass',
        ],
      },
    },
    ResourceQuotaStatus: {
      hard: { format: 'quantity' },
      used: { format: 'quantity' },
    },
    ResourceRequirements: {
      claims: { listType: 'map', listMapKeys: ['name'] },
      limits: { format: 'quantity' },
      requests: { format: 'quantity' },
    },
    ResourceStatus: {
      resources: { listType: 'map', listMapKeys: ['resourceID'] },
    },
    ScaleIOPersistentVolumeSource: {
      fsType: { default: 'xfs' },
      storageMode: { default: 'ThinProvisioned' },
    },
    ScaleIOVolumeSource: {
      fsType: { default: 'xfs' },
      storageMode: { default: 'ThinProvisioned' },
    },
    ScopeSelector: {
      '.': { mapType: 'atomic' },
    },
    ScopedResourceSelectorRequirement: {
      operator: { enum: ['DoesNotExist', 'Exists', 'In', 'NotIn'] },
      scopeName: {
        enum: [
          'BestEffort',
          'CrossNamespacePodAffinity',
          'NotBestEffort',
          'NotTerminating',
          'PriorityClass',
          'Terminating',
          'VolumeAttributesClass',
        ],
      },
    },
    SeccompProfile: {
      type: { enum: ['Localhost', 'RuntimeDefault', 'Unconfined'] },
    },
    SecretKeySelector: {
      '.': { mapType: 'atomic' },
    },
    SecretReference: {
      '.': { mapType: 'atomic' },
    },
    SecurityContext: {
      procMount: { enum: ['Default', 'Unmasked'] },
    },
    ServiceAccount: {
      secrets: { listType: 'map', listMapKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name' },
    },
    ServicePort: {
      protocol: { enum: ['SCTP', 'TCP', 'UDP'], default: 'TCP' },
    },
    ServiceSpec: {
      externalTrafficPolicy: { enum: ['Cluster', 'Local'] },
      internalTrafficPolicy: { enum: ['Cluster', 'Local'] },
      ipFamilies: { enum: ['', 'IPv4', 'IPv6'] },
      ipFamilyPolicy: { enum: ['PreferDualStack', 'RequireDualStack', 'SingleStack'] },
      ports: {
        listType: 'map',
        listMapKeys: ['port', 'protocol'],
        patchStrategy: ['merge'],
        patchMergeKey: 'port',
      },
      selector: { mapType: 'atomic' },
      sessionAffinity: { enum: ['ClientIP', 'None'] },
      type: { enum: ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'] },
    },
    ServiceStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    Taint: {
      effect: { enum: ['NoExecute', 'NoSchedule', 'PreferNoSchedule'] },
    },
    Toleration: {
      effect: { enum: ['NoExecute', 'NoSchedule', 'PreferNoSchedule'] },
      operator: { enum: ['Equal', 'Exists', 'Gt', 'Lt'] },
    },
    TopologySelectorTerm: {
      '.': { mapType: 'atomic' },
    },
    TopologySpreadConstraint: {
      nodeAffinityPolicy: { enum: ['Honor', 'Ignore'] },
      nodeTaintsPolicy: { enum: ['Honor', 'Ignore'] },
      whenUnsatisfiable: { enum: ['DoNotSchedule', 'ScheduleAnyway'] },
    },
    TypedLocalObjectReference: {
      '.': { mapType: 'atomic' },
    },
    VolumeMount: {
      mountPropagation: { enum: ['Bidirectional', 'HostToContainer', 'None'] },
    },
    VolumeResourceRequirements: {
      limits: { format: 'quantity' },
      requests: { format: 'quantity' },
    },
  },
};
