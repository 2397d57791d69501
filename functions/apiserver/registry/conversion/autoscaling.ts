import type { HorizontalPodAutoscaler, V2HorizontalPodAutoscaler } from '../../../../lib/api/gen/types.ts';
import { toV1, toV2 } from '../../../../lib/api/kinds/autoscaling/v1.ts';
import type { Conversion } from './index.ts';

export const horizontalPodAutoscalerConversion: Conversion = {
  toServed: (stored) => toV1(stored as V2HorizontalPodAutoscaler),
  toStored: (served) => toV2(served as HorizontalPodAutoscaler),
};
