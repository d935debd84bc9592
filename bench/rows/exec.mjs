// A program in a container that runs already.

import { lastingContainer } from '../lasting.mjs';

export const row = {
  name: 'exec',
  title: 'exec: a static true in a container that runs',
  unit: 'ms',
  measures: ['exec'],
  target: { measure: 'exec', ofRunc: 0.6 },
  measure: (runtime, setting) => ({ exec: runtime.time(['exec', lastingContainer(runtime, setting), '/true']) }),
};
