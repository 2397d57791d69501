import { statfs } from 'node:fs/promises';
import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { ContainerInspection, ImageRuntime } from '../cri/port.ts';
import type { Image } from '../cri/types.ts';
import { pauseImageName } from '../images/pause.ts';

/** kubelet's imageGCHighThresholdPercent, imageGCLowThresholdPercent and imageMinimumGCAge. */
const highShare = 0.85;
const lowShare = 0.8;
const minAgeMs = 120_000;
const collectMs = 300_000;

export interface ImageGcOptions {
  runtime: ImageRuntime & ContainerInspection;
  /** On the disk that images are kept on. */
  imageDir: string;
  clock: Clock;
  log: Logger;
}

/** Removes images that no container uses, the longest unused first, when their disk is nearly full. */
export async function collectImages(options: ImageGcOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  const lastUsedMs = new Map<string, number>();
  while (!signal.aborted) {
    await pause(clock, collectMs, signal);
    if (signal.aborted) return;
    try {
      await collectOnce(options, lastUsedMs);
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'unused images could not be removed');
    }
  }
}

async function collectOnce(options: ImageGcOptions, lastUsedMs: Map<string, number>): Promise<void> {
  const { runtime, imageDir, clock, log } = options;
  const now = clock.now();
  const images = await runtime.listImages();
  const containers = await runtime.listContainers();
  const used = new Set(
    containers.flatMap(({ imageRef, imageId, image }) => [imageRef, imageId, image.image]),
  );
  const isUsed = ({ id, repoTags, repoDigests }: Image) =>
    [id, ...repoTags, ...repoDigests].some((n) => used.has(n));
  for (const image of images) if (isUsed(image) || !lastUsedMs.has(image.id)) lastUsedMs.set(image.id, now);

  const disk = await statfs(imageDir);
  const total = disk.blocks * disk.bsize;
  const usedBytes = total - disk.bavail * disk.bsize;
  if (usedBytes / total < highShare) return;
  let toFree = usedBytes - total * lowShare;
  const candidates = images
    .filter((image) => !isUsed(image) && !image.pinned && !image.repoTags.includes(pauseImageName))
    .filter(({ id }) => now - (lastUsedMs.get(id) ?? now) >= minAgeMs)
    .sort((a, b) => (lastUsedMs.get(a.id) ?? 0) - (lastUsedMs.get(b.id) ?? 0));
  for (const image of candidates) {
    if (toFree <= 0) return;
    await runtime.removeImage(image.id);
    lastUsedMs.delete(image.id);
    toFree -= image.size;
    log.info({ image: image.repoTags[0] ?? image.id, sizeBytes: image.size }, 'removed an unused image');
  }
}
