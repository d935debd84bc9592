// pause and resume: not in the specification; as runc has them.

import { freeze, thaw } from '../cgroup/freeze.ts';
import { freezerOf, freezerState } from '../cgroup/freezer.ts';
import { fail } from '../error.ts';
import { hideFromFront, writeFrontRecord } from './front-record.ts';
import { type Named, requireRecord, statusOf } from './state.ts';

/** Returns when every process of the container stands still. Throws `status` unless the container is created or running; `cgroup`, `host`. */
export function pauseContainer({ root, id }: Named): void {
  const record = requireRecord({ root, id });
  const status = statusOf(record);
  if (status !== 'created' && status !== 'running')
    fail({ code: 'status', message: `container not running: "${id}" cannot be paused, it is ${status}` });
  // Nobody is to give the order to an init that can't hear it.
  hideFromFront(root, id);
  freeze(record.cgroups);
}

/** Throws `status` unless the container is paused, or a pause of it was killed half-way; `cgroup`. */
export function resumeContainer({ root, id }: Named): void {
  const record = requireRecord({ root, id });
  const status = statusOf(record);
  const freezer = freezerOf(record.cgroups);
  const lives = status === 'paused' || status === 'running' || status === 'created';
  if (!lives || freezer === undefined || freezerState(freezer) === 'thawed')
    fail({ code: 'status', message: `container not paused: "${id}" cannot be resumed, it is ${status}` });
  thaw(record.cgroups);
  if (record.ready) writeFrontRecord(root, record);
}
