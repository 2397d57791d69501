/**
 * Runs inside a node's network namespace: passes connections to a port of loopback there on to a Unix socket, which is in no
 * namespace. Arguments: the port, the socket's path. Says `ready` when it listens, and ends with its standard input.
 */
import { connect, createServer } from 'node:net';

const [port = '', path = ''] = process.argv.slice(2);
createServer((inside) => {
  const outside = connect(path);
  inside.once('error', () => outside.destroy());
  outside.once('error', () => inside.destroy());
  inside.once('close', () => outside.destroy());
  outside.once('close', () => inside.destroy());
  inside.pipe(outside).pipe(inside);
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));
process.stdin.once('end', () => process.exit()).resume();
