// What a container engine does: three commands, each timed by itself. The wait for the program's end is not timed: it is not the runtime's.

import { readFileSync } from 'node:fs';
import { waitForEnd } from '../runtime.mjs';

export const row = {
  name: 'lifecycle',
  title: 'create + start + delete: the same, as container engines do it',
  unit: 'ms',
  measures: ['sum', 'create', 'start', 'delete'],
  target: { measure: 'sum', ofRunc: 0.8 },
  measure(runtime, { bundle, scratch }) {
    const id = runtime.newId();
    const pidFile = `${scratch}/pid`;
    const create = runtime.time(['create', '--bundle', bundle, '--pid-file', pidFile, id], { id });
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const start = runtime.time(['start', id]);
    waitForEnd(pid);
    const remove = runtime.time(['delete', id]);
    runtime.forget(id);
    return { sum: create + start + remove, create, start, delete: remove };
  },
};
