import type { Ingress, IngressClass } from '../../../lib/api/gen/types.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { listAll, newestOf, writtenObject } from './common.ts';

const mark = 'ingressclass.kubernetes.io/is-default-class';
/** Where ingresses named their class before there was a field for it. */
const classAnnotation = 'kubernetes.io/ingress.class';

export function defaultIngressClass(cache: WatchCache): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    types: ['networking.k8s.io/ingresses'],
    async mutate(attributes) {
      const ingress = writtenObject<Ingress>(attributes, 'networking.k8s.io/ingresses');
      if (!ingress || attributes.operation !== 'CREATE') return;
      const { metadata } = ingress;
      if (ingress.spec?.ingressClassName !== undefined) return;
      if (metadata.annotations?.[classAnnotation] !== undefined) return;
      const classes = await listAll<IngressClass>(cache, 'networking.k8s.io/ingressclasses');
      const chosen = newestOf(classes.filter((one) => one.metadata.annotations?.[mark] === 'true'));
      if (chosen?.metadata.name) ingress.spec = { ...ingress.spec, ingressClassName: chosen.metadata.name };
    },
  };
}
