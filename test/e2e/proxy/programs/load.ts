/**
 * Connects without a pause. On every line that it reads it prints how often each server answered, and every error; after
 * `stop` it has ended its connections before and ends. Args: address, port.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [address = '', port = '0'] = process.argv.slice(2);
const answers: Record<string, number> = {};
const errors: string[] = [];
let running = true;
const say = () => console.log(JSON.stringify({ answers, errors }));
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'stop') running = false;
  else say();
});
console.log('ready');
await Promise.all([worker(), worker(), worker(), worker()]);
say();
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
