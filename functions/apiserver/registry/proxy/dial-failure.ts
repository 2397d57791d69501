import { messageOf } from '../../../../lib/errors.ts';

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
};

/** In the words in which kube-apiserver reports a failed dial; `to` is `10.0.0.5:10250`. */
export function dialFailure(error: NodeJS.ErrnoException, to: string): string {
  const known = words[error.code ?? ''];
  if (known) return `dial tcp ${to}: ${known}`;
  return error.code === 'ECONNRESET' ? 'EOF' : messageOf(error);
}
