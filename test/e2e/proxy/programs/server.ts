/** A pod's application: answers every TCP connection and UDP packet with `<name> <client's address>`. Args: name, port. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const [name = '', port = '0'] = process.argv.slice(2);
const tcp = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.end(`${name} ${socket.remoteAddress}`);
});
const udp = createSocket('udp4');
udp.on('message', (_message, peer) => udp.send(`${name} ${peer.address}`, peer.port, peer.address));
tcp.listen(Number(port), '0.0.0.0', () => {
  udp.bind(Number(port), '0.0.0.0', () => console.log('ready'));
});
