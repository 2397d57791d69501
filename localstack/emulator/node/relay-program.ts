/**
 * Runs inside a node's network namespace: passes connections to a port of loopback there on to a Unix socket, which is in no
 * namespace. Arguments: the port, the socket's path, and a file that it makes when it listens. It ends with its standard input.
 */
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const [port = '', path = '', readyFile = ''] = process.argv.slice(2);
createServer((inside) => {
  const outside = connect(path);
  inside.once('error', () => outside.destroy());
  outside.once('error', () => inside.destroy());
  // What has come still goes on its way.
  inside.once('close', () => outside.destroySoon());
  outside.once('close', () => inside.destroySoon());
  inside.pipe(outside).pipe(inside);
}).listen(Number(port), '127.0.0.1', () => writeFileSync(readyFile, ''));
process.stdin.once('end', () => process.exit()).resume();
