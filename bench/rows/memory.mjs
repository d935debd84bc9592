// What a created container costs while it waits for `start`: the memory of its first process, from the kernel's own sums
// (smaps_rollup, proc(5)). Private is what would be free without it; Pss adds its share of what it has in common with others.

import { readFileSync } from 'node:fs';

function rollup(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { private: kib('Private_Clean') + kib('Private_Dirty'), pss: kib('Pss'), rss: kib('Rss') };
}

export const row = {
  name: 'memory',
  title: 'memory of the init of a created container',
  unit: 'KiB',
  measures: ['private', 'pss', 'rss'],
  target: { measure: 'private', atMost: 64 },
  warmups: 1,
  runs: 3,
  measure(runtime, { bundle, scratch }) {
    const id = runtime.newId();
    const pidFile = `${scratch}/pid`;
    runtime.time(['create', '--bundle', bundle, '--pid-file', pidFile, id], { id });
    const found = rollup(Number(readFileSync(pidFile, 'utf8')));
    runtime.time(['delete', '--force', id]);
    runtime.forget(id);
    return found;
  },
};
