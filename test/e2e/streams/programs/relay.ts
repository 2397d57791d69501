/** Carries connections into the network namespace that it runs in. Args: the path of a Unix socket; each connection begins with the port, two bytes. */
import { connect, createServer } from 'node:net';

createServer((outside) => {
  outside.once('readable', () => {
    const port = (outside.read(2) as Buffer).readUInt16BE();
    const inside = connect(port, '127.0.0.1');
    inside.on('error', () => outside.destroy());
    outside.on('error', () => inside.destroy());
    inside.once('close', () => outside.destroySoon());
    outside.once('close', () => inside.destroySoon());
    outside.pipe(inside).pipe(outside);
  });
}).listen(process.argv[2], () => console.log('ready'));
