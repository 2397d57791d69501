/** Makes connections one after the other and prints what came back. Args: tcp|udp, address, port, count. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const [protocol, address = '', port = '0', count = '1'] = process.argv.slice(2);
const answers: string[] = [];
for (let i = 0; i < Number(count); i++) {
  answers.push(await (protocol === 'udp' ? askUdp() : askTcp()).catch((error: unknown) => String(error)));
}
console.log(JSON.stringify(answers));

function askTcp(): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host: address, port: Number(port), timeout: 3000 });
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => resolve(text)).on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error('timeout')));
  });
}

function askUdp(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const timer = setTimeout(() => end(() => reject(new Error('timeout'))), 3000);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      socket.close();
      settle();
    };
    socket.on('message', (message) => end(() => resolve(message.toString())));
    socket.on('error', (error) => end(() => reject(error)));
    socket.connect(Number(port), address, () => socket.send('hello'));
  });
}
