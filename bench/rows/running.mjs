// What else is asked of a container that runs.

import { lastingContainer } from '../lasting.mjs';

export const row = {
  name: 'running',
  title: 'kill, with a signal that does nothing, and state of a container that runs',
  unit: 'ms',
  measures: ['kill', 'state'],
  measure(runtime, setting) {
    const id = lastingContainer(runtime, setting);
    return { kill: runtime.time(['kill', id, 'CONT']), state: runtime.time(['state', id]) };
  },
};
