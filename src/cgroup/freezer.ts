// What a container's freezer says. Read with node:fs alone and little of it: `state`, `start` and `delete` ask for it.
//
// Whether a container is paused is told by its own cgroup, as in runc: one that is frozen because a cgroup above it is, is not paused,
// and can't be resumed.

import { readFileSync } from 'node:fs';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { failed } from './failure.ts';
import type { CgroupEntry, CgroupRecord } from './record.ts';

/** `freezing`: asked for, while some process still runs. */
export type FreezerState = 'thawed' | 'freezing' | 'frozen';

/** The cgroup that freezes the container: the one in v1's freezer hierarchy; where there is none, the one of v2. */
export function freezerOf(record: CgroupRecord): CgroupEntry | undefined {
  return (
    record.cgroups.find(({ version, controllers }) => version === 1 && `,${controllers},`.includes(',freezer,')) ??
    record.cgroups.find(({ version }) => version === 2)
  );
}

/**
 * v1: `freezer.state`, whose FROZEN may come from above, so that `freezer.self_freezing` is asked too. v2: `cgroup.freeze` is what was asked
 * for, `cgroup.events` tells whether it has come true (cgroup-v2.rst). A cgroup that is gone is thawed. Throws `cgroup`.
 */
export function freezerState({ version, path }: CgroupEntry): FreezerState {
  if (version === 1) {
    const state = read(`${path}/freezer.state`);
    if (state.startsWith('THAWED') || !read(`${path}/freezer.self_freezing`).startsWith('1')) return 'thawed';
    return state.startsWith('FROZEN') ? 'frozen' : 'freezing';
  }
  if (!read(`${path}/cgroup.freeze`).startsWith('1')) return 'thawed';
  return isFrozenEvent(read(`${path}/cgroup.events`)) ? 'frozen' : 'freezing';
}

/** The text of a v2 `cgroup.events`. */
export function isFrozenEvent(text: string): boolean {
  return text.includes('frozen 1');
}

/** Empty where the file or the cgroup is not there. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ERRNO.ENOENT || errno === ERRNO.ENODEV) return '';
    return failed(`read ${file}`, error);
  }
}
