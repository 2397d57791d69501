import type { ContainerImage } from '../../lib/api/gen/types.ts';
import type { Image } from '../cri/types.ts';

const maxImages = 50;
const maxNames = 5;

/** `status.images`: the largest first, as the scheduler's image locality wants them. */
export function nodeImages(images: readonly Image[]): ContainerImage[] {
  return [...images]
    .sort((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1))
    .slice(0, maxImages)
    .map(({ repoDigests, repoTags, size }) => ({
      names: [...repoDigests, ...repoTags].slice(0, maxNames),
      sizeBytes: size,
    }));
}
