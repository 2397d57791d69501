import type { Pod } from '../../../lib/api/gen/types.ts';
import { errorText, notSupported } from '../../../lib/api/validate/field-error.ts';
import { Path } from '../../../lib/api/validate/path.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../pipeline/admission.ts';
import { refusal } from './common.ts';

/** Whoever runs an image must be able to pull it: that it is on the node already is no permission. */
export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  types: ['pods'],

  mutate(attributes) {
    const pod = podOf(attributes);
    if (pod) {
      for (const { holder } of holders(pod)) holder[policyField(holder)] = 'Always';
    }
    return Promise.resolve();
  },

  validate(attributes) {
    const pod = podOf(attributes);
    for (const { holder, path } of pod ? holders(pod) : []) {
      const field = policyField(holder);
      if (holder[field] === 'Always') continue;
      const error = notSupported(path.child(field), holder[field] ?? '', ['Always']);
      return Promise.reject(refusal(attributes, errorText(error)));
    }
    return Promise.resolve();
  },
};

type Holder = { imagePullPolicy?: string; pullPolicy?: string; reference?: string };

/** Volumes of images have a name of their own for the field. */
const policyField = (holder: Holder) => (holder.reference === undefined ? 'imagePullPolicy' : 'pullPolicy');

/** A pod that is created, or gets an image that it did not have. */
function podOf(attributes: AdmissionAttributes): Pod | undefined {
  const { entry, operation, subresource, object, oldObject } = attributes;
  if (entry.storage !== 'pods' || (subresource !== '' && subresource !== 'ephemeralcontainers'))
    return undefined;
  const pod = object as unknown as Pod | undefined;
  if (!pod || operation === 'CREATE') return operation === 'CREATE' ? pod : undefined;
  if (operation !== 'UPDATE' || !oldObject) return undefined;
  const before = imagesOf(oldObject as Pod);
  return [...imagesOf(pod)].some((image) => !before.has(image)) ? pod : undefined;
}

function holders({ spec }: Pod): { holder: Holder; path: Path }[] {
  const path = Path.of('spec');
  const containers = (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((field) =>
    (spec[field] ?? []).map((holder, index) => ({ holder, path: path.child(field).index(index) })),
  );
  const volumes = (spec.volumes ?? []).flatMap(({ image }, index) =>
    image ? [{ holder: image, path: path.child('volumes').index(index).child('image') }] : [],
  );
  return [...containers, ...volumes];
}

function imagesOf({ spec }: Pod): Set<string> {
  const containers = [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...(spec.ephemeralContainers ?? []),
  ].map(({ image = '' }) => image);
  return new Set([...containers, ...(spec.volumes ?? []).map(({ image }) => image?.reference ?? '')]);
}
