import type { Pod } from '../../../lib/api/gen/types.ts';
import { stateKey } from '../framework/cycle-state.ts';
import { maxNodeScore, type Plugin } from '../framework/plugin.ts';

const mebibyte = 1024 * 1024;
/** Less than this on a node is not worth a preference; more than this a container does not raise it. */
const minThreshold = 23 * mebibyte;
const maxContainerThreshold = 1_000 * mebibyte;

interface Wanted {
  count: number;
  images: { nodes: ReadonlySet<string>; worth: number }[];
}

const wantedKey = stateKey<Wanted>('images of the pod');

/**
 * Prefers nodes that hold the pod's images. An image counts with its size times the share of nodes that hold it, so
 * that one node with a large image does not draw every pod to itself.
 */
export function imageLocality(): Plugin {
  return {
    name: 'ImageLocality',
    preScore(state, { pod }, _nodes, snapshot) {
      const names = imagesOf(pod);
      const images: Wanted['images'] = [];
      for (const name of names) {
        const image = snapshot.image(name);
        if (!image) continue;
        const spread = image.nodes.size / snapshot.nodes.length;
        images.push({ nodes: image.nodes, worth: Math.trunc(image.sizeBytes * spread) });
      }
      state.write(wantedKey, { count: names.length, images });
      return undefined;
    },
    score(state, _pod, node) {
      const { count, images } = state.read(wantedKey);
      let sum = 0;
      for (const { nodes, worth } of images) if (nodes.has(node.name)) sum += worth;
      const max = maxContainerThreshold * count;
      const held = Math.min(Math.max(sum, minThreshold), max);
      return Math.trunc((maxNodeScore * (held - minThreshold)) / (max - minThreshold));
    },
  };
}

function imagesOf(pod: Pod): string[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ image }) =>
    withTag(image ?? ''),
  );
}

/** As nodes report them: with a tag. */
function withTag(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
