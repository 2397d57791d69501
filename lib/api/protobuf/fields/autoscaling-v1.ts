export const autoscalingV1 = `
  ContainerResourceMetricSource: name 1!, targetAverageUtilization 2*, targetAverageValue 3*, container 5!;
  ContainerResourceMetricStatus: name 1!, currentAverageUtilization 2*, currentAverageValue 3!,
    container 4!;
  CrossVersionObjectReference: kind 1!, name 2!, apiVersion 3;
  ExternalMetricSource: metricName 1!, metricSelector 2*, targetValue 3*, targetAverageValue 4*;
  ExternalMetricStatus: metricName 1!, metricSelector 2*, currentValue 3!, currentAverageValue 4*;
  HorizontalPodAutoscaler: metadata 1=, spec 2=, status 3=;
  HorizontalPodAutoscalerCondition: type 1!, status 2!, lastTransitionTime 3, reason 4, message 5;
  HorizontalPodAutoscalerList: metadata 1=, items 2!;
  HorizontalPodAutoscalerSpec: scaleTargetRef 1=, minReplicas 2*, maxReplicas 3!,
    targetCPUUtilizationPercentage 4*;
  HorizontalPodAutoscalerStatus: observedGeneration 1*, lastScaleTime 2*, currentReplicas 3!,
    desiredReplicas 4!, currentCPUUtilizationPercentage 5*;
  MetricSpec: type 1!, object 2*, pods 3*, resource 4*, external 5*, containerResource 7*;
  MetricStatus: type 1!, object 2*, pods 3*, resource 4*, external 5*, containerResource 7*;
  ObjectMetricSource: target 1=, metricName 2!, targetValue 3!, selector 4*, averageValue 5*;
  ObjectMetricStatus: target 1=, metricName 2!, currentValue 3!, selector 4*, averageValue 5*;
  PodsMetricSource: metricName 1!, targetAverageValue 2!, selector 3*;
  PodsMetricStatus: metricName 1!, currentAverageValue 2!, selector 3*;
  ResourceMetricSource: name 1!, targetAverageUtilization 2*, targetAverageValue 3*;
  ResourceMetricStatus: name 1!, currentAverageUtilization 2*, currentAverageValue 3!;
  Scale: metadata 1=, spec 2=, status 3=;
  ScaleSpec: replicas 1;
  ScaleStatus: replicas 1!, selector 2;
`;
