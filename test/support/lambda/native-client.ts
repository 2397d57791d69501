/**
 * Loaded ahead of AWS's runtime interface client: stands in for its one compiled part, which needs a compiler and sends what
 * buffered functions answer. Invocations come, and answers that are streamed go, by its own JavaScript.
 */
import Module from 'node:module';

const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;

async function post(path: string, body: string): Promise<void> {
  await fetch(`${base}/${path}`, { method: 'POST', body });
}

const { _extensions: extensions } = Module as unknown as {
  _extensions: Record<string, (module: { exports: object }) => void>;
};
extensions['.node'] = (module) => {
  module.exports = {
    done: (id: string, body: string) => void post(`${id}/response`, body),
    error: (id: string, body: string) => void post(`${id}/error`, body),
  };
};
