// `run` of a bundle that the runtime has never seen: what it may have written down of an earlier run is of no use.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeBundle } from '../bundle.mjs';

export const row = {
  name: 'first-run',
  title: 'first run: the same, each of a bundle of its own',
  unit: 'ms',
  measures: ['first'],
  measure(runtime, { scratch }) {
    const id = runtime.newId();
    const bundle = makeBundle(join(scratch, id));
    const first = runtime.time(['run', '--bundle', bundle, id], { id });
    runtime.forget(id);
    rmSync(bundle, { recursive: true });
    return { first };
  },
};
