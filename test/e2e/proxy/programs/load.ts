/** Connects without a pause until told to stop; then prints how often each server answered, and every error. Args: address, port. */
import { connect } from 'node:net';

const [address = '', port = '0'] = process.argv.slice(2);
const answers: Record<string, number> = {};
const errors: string[] = [];
let running = true;
process.stdin.once('data', () => (running = false));
console.log('ready');
await Promise.all([worker(), worker(), worker(), worker()]);
console.log(JSON.stringify({ answers, errors }));
process.exit(0);

async function worker(): Promise<void> {
  while (running) {
    try {
      const [name = ''] = (await ask()).split(' ');
      answers[name] = (answers[name] ?? 0) + 1;
    } catch (error) {
      errors.push(String(error));
    }
  }
}

function ask(): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host: address, port: Number(port), timeout: 5000 });
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => resolve(text)).on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error('timeout')));
  });
}
