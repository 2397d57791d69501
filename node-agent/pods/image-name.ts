import { KumulusError } from '../../lib/errors.ts';

const domainPart = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domain = `(?:${domainPart}(?:\\.${domainPart})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const pathPart = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const reference = new RegExp(
  `^(?:(${domain})/)?(${pathPart}(?:/${pathPart})*)(:[\\w][\\w.-]{0,127})?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);

/**
 * An image's name with its tag or digest, `:latest` where it has neither (Images, "Image names"). Throws `Invalid` in
 * the words of the reference grammar (OCI distribution) when it is no such name.
 */
export function withDefaultTag(image: string): string {
  const match = reference.exec(image);
  if (!match) {
    const problem =
      image === '' || /^[a-f0-9]{64}$/.test(image)
        ? 'invalid reference format'
        : image.toLowerCase() !== image && reference.test(image.toLowerCase())
          ? 'invalid reference format: repository name must be lowercase'
          : 'invalid reference format';
    throw new KumulusError('Invalid', `couldn't parse image name "${image}": ${problem}`);
  }
  return match[3] || match[4] ? image : `${image}:latest`;
}

/** The registry an image comes from, as pull secrets name it. */
export function registryOf(image: string): string {
  const first = image.split('/')[0] ?? '';
  const isHost = image.includes('/') && (first.includes('.') || first.includes(':') || first === 'localhost');
  return isHost ? first : 'docker.io';
}
