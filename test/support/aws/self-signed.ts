import { runCommand } from '../../../lib/process/run.ts';

/** A certificate that signs itself, for the emulator to show at these addresses. */
export async function selfSigned(file: string, keyFile: string, addresses: readonly string[]): Promise<void> {
  const names = ['DNS:localhost', ...addresses.map((address) => `IP:${address}`)].join(',');
  const extensions = [
    `subjectAltName=${names}`,
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth',
  ];
  await runCommand('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=emulator', '-keyout', keyFile, '-out', file],
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ]);
}
