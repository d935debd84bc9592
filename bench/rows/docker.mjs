// What a user of Docker waits for: the client, the daemon, containerd, its shim and four commands of the runtime.

import { startDocker } from '../engine.mjs';

let engine;

export const row = {
  name: 'docker',
  title: 'docker run --rm of a static true',
  unit: 'ms',
  measures: ['docker'],
  target: { measure: 'docker', ofRunc: 1 },
  measure(runtime, { runtimes, ...context }) {
    engine ??= startDocker(runtimes, context);
    return { docker: engine.time(runtime) };
  },
  close: () => engine?.stop(),
};
