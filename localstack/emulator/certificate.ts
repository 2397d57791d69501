import { isIP } from 'node:net';
import { connect } from 'node:tls';

/** What a server that nobody vouches for shows: an emulator on this machine is believed on sight, and only that one later. */
export interface ShownCertificate {
  /** PEM. */
  certificate: string;
  /** A name that it is good for, to be asked for where the host is not one of its names. */
  serverName: string | undefined;
}

const timeoutMs = 5_000;

/** Undefined where nothing speaks TLS. */
export function shownCertificate(host: string, port: number): Promise<ShownCertificate | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      servername: isIP(host) ? '' : host,
      rejectUnauthorized: false,
      timeout: timeoutMs,
    });
    const end = (found: ShownCertificate | undefined) => {
      socket.destroy();
      resolve(found);
    };
    socket.once('secureConnect', () => {
      const shown = socket.getPeerX509Certificate();
      if (!shown) return end(undefined);
      const isNamed = isIP(host) ? shown.checkIP(host) : shown.checkHost(host);
      const [, name] = /DNS:([^,*]+)(?:,|$)/.exec(shown.subjectAltName ?? '') ?? [];
      end({ certificate: shown.toString(), serverName: isNamed ? undefined : name?.trim() });
    });
    socket.once('timeout', () => end(undefined));
    socket.once('error', () => end(undefined));
  });
}
