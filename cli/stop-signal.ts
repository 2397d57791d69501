/** Listens for SIGINT, SIGTERM and SIGHUP. After the first, the next SIGINT ends the process at once. */
export function stopSignal(say: (line: string) => void): { asked: Promise<void>; isAsked(): boolean } {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  let isAsked = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (isAsked && signal === 'SIGINT') process.exit(130);
    if (!isAsked) say('stopping (once more to leave at once)');
    isAsked = true;
    resolve();
  };
  // What was started keeps the process alive until then.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return { asked, isAsked: () => isAsked };
}
