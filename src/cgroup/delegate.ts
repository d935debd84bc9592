// Gives a v2 cgroup to the user of the container's program (config-linux.md, "Cgroup ownership").

import { chownSync, readFileSync } from 'node:fs';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { attempt, failed } from './failure.ts';

const DELEGATE = '/sys/kernel/cgroup/delegate';
/** Where the kernel does not tell (before Linux 4.15). */
const ALWAYS = ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'];

/** The directory and the files that the kernel lists. `uid` is the host's. Those that are not there are left out. Throws `cgroup`. */
export function delegateCgroup(directory: string, uid: number): void {
  const pointer = '/linux/cgroupsPath';
  attempt(`give the cgroup ${directory} to user ${uid}`, () => chownSync(directory, uid, -1), pointer);
  for (const name of delegatedFiles()) {
    // A name of the kernel's; still, nothing above the cgroup is anybody's to give.
    if (name === '' || name.includes('/')) continue;
    try {
      chownSync(`${directory}/${name}`, uid, -1);
    } catch (error) {
      if (errnoOf(error) === ERRNO.ENOENT) continue;
      failed(`give ${directory}/${name} to user ${uid}`, error, pointer);
    }
  }
}

function delegatedFiles(): readonly string[] {
  try {
    return readFileSync(DELEGATE, 'latin1').split('\n');
  } catch (error) {
    if (errnoOf(error) === ERRNO.ENOENT) return ALWAYS;
    throw error;
  }
}
