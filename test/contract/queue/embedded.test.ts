import { createEmbeddedQueue } from '../../../lib/queue/embedded/index.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';
import { describeQueue } from './contract.ts';

describeQueue({
  name: 'embedded',
  allTriesMs: 200_000,
  async open() {
    const clock = createSteppedClock();
    const queue = createEmbeddedQueue({ clock });
    const stops: (() => Promise<void>)[] = [];
    return {
      queue,
      consume(handler) {
        const stopping = new AbortController();
        const stopped = queue.run(handler, stopping.signal);
        const stop = () => {
          stopping.abort(new Error('stopped'));
          return stopped;
        };
        stops.push(stop);
        return stop;
      },
      deadLetters: async () => queue.deadLetters().map((letter) => letter.item),
      advance: clock.step,
      close: async () => {
        await Promise.all(stops.map((stop) => stop()));
      },
    };
  },
});
