import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { type TarEntry, writeTar } from './tar.ts';

export type Architecture = 'amd64' | 'arm64';

/** This machine's architecture in the words of OCI. Throws on one that no image of ours is built for. */
export function machineArchitecture(arch: string = process.arch): Architecture {
  if (arch === 'x64') return 'amd64';
  if (arch === 'arm64') return 'arm64';
  throw new Error(`no image can be built for the architecture ${arch}: only x64 and arm64`);
}

export interface ImageDescription {
  /** With its tag: `kumulus.io/pause:1`. */
  name: string;
  architecture: Architecture;
  layer: readonly TarEntry[];
  config: {
    entrypoint?: string[];
    cmd?: string[];
    env?: string[];
    workingDir?: string;
    user?: string;
    exposedPorts?: string[];
    stopSignal?: string;
  };
}

/**
 * An image of one layer as an archive that every loader takes: an OCI image layout (image-spec v1.1) that also carries
 * docker's `manifest.json`. The same description makes the same bytes, so the same image id.
 */
export function imageArchive({ name, architecture, layer, config }: ImageDescription): Uint8Array {
  const layerBlob = blob(writeTar(layer));
  const configBlob = json({
    architecture,
    os: 'linux',
    config: {
      ...(config.user ? { User: config.user } : {}),
      ...(config.exposedPorts
        ? { ExposedPorts: Object.fromEntries(config.exposedPorts.map((p) => [p, {}])) }
        : {}),
      ...(config.env ? { Env: config.env } : {}),
      ...(config.entrypoint ? { Entrypoint: config.entrypoint } : {}),
      ...(config.cmd ? { Cmd: config.cmd } : {}),
      ...(config.workingDir ? { WorkingDir: config.workingDir } : {}),
      ...(config.stopSignal ? { StopSignal: config.stopSignal } : {}),
    },
    rootfs: { type: 'layers', diff_ids: [layerBlob.digest] },
    history: [{ created_by: 'kumulus' }],
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', configBlob),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layerBlob)],
  });
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest),
        platform: { architecture, os: 'linux' },
        annotations: {
          'io.containerd.image.name': name,
          'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
        },
      },
    ],
  };
  return writeTar([
    file('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })),
    file('index.json', JSON.stringify(index)),
    file(
      'manifest.json',
      JSON.stringify([{ Config: path(configBlob), RepoTags: [name], Layers: [path(layerBlob)] }]),
    ),
    { type: 'directory', path: 'blobs', mode: 0o755 },
    { type: 'directory', path: 'blobs/sha256', mode: 0o755 },
    ...[layerBlob, configBlob, manifest].map((b) => file(path(b), b.content)),
  ]);
}

/** Writes the archive of an image to a file. */
export async function writeImageArchive(fileName: string, image: ImageDescription): Promise<void> {
  await writeFile(fileName, imageArchive(image));
}

interface Blob {
  content: Uint8Array;
  digest: string;
}

function blob(content: Uint8Array): Blob {
  return { content, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` };
}

function json(value: unknown): Blob {
  return blob(Buffer.from(JSON.stringify(value)));
}

function path({ digest }: Blob): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function descriptor(mediaType: string, { content, digest }: Blob) {
  return { mediaType, digest, size: content.length };
}

function file(name: string, content: string | Uint8Array): TarEntry {
  return { type: 'file', path: name, mode: 0o644, content: Buffer.from(content) };
}
