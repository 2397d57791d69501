import type { KindRules } from '../rules.ts';
import { horizontalPodAutoscalerRules } from './horizontal-pod-autoscaler.ts';
import { horizontalPodAutoscalerV1Rules } from './v1.ts';

/** By version and kind. */
export const autoscalingRules: Readonly<Record<string, KindRules>> = {
  'v1/HorizontalPodAutoscaler': horizontalPodAutoscalerV1Rules,
  'v2/HorizontalPodAutoscaler': horizontalPodAutoscalerRules,
};
