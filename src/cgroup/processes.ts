// The processes in a container's control groups. What signals them is in kill.ts.

import { readdirSync, readFileSync } from 'node:fs';
import { RuntError } from '../error.ts';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { writeControl } from './control-file.ts';
import { failed } from './failure.ts';
import { type CgroupEntry, type CgroupRecord, isStillThere } from './record.ts';

/**
 * The processes of the container, in ascending order: those in any of its cgroups and in the sub-cgroups it made. All hierarchies are
 * read, since a creator that was killed while it entered them has processes in some. Processes that this pid namespace
 * can't see are left out.
 */
export function processesIn(record: CgroupRecord): readonly number[] {
  const pids = new Set(record.cgroups.flatMap(pidsBelow));
  return [...pids].sort((a, b) => a - b);
}

/** The processes in the cgroup and below it. None where it does not exist (any more), or another one is there. */
export function pidsBelow(entry: CgroupEntry): readonly number[] {
  return isStillThere(entry) ? walk(entry.path) : [];
}

/** Blocks this thread for some milliseconds. */
export function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Names of the cgroups in a cgroup; none where it does not exist (any more). */
export function subCgroups(path: string): readonly string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (errnoOf(error) === ERRNO.ENOENT) return [];
    return failed(`list the cgroup ${path}`, error);
  }
}

function walk(path: string): readonly number[] {
  const own = readPids(path);
  if (own === null) return [];
  return [...own, ...subCgroups(path).flatMap((name) => walk(`${path}/${name}`))];
}

function readPids(path: string): readonly number[] | null {
  for (const file of ['cgroup.procs', 'cgroup.threads']) {
    try {
      const numbers = readFileSync(`${path}/${file}`, 'latin1').split('\n').map(Number);
      // A process of a pid namespace that is not below ours is shown as 0.
      return numbers.filter((pid) => pid > 0);
    } catch (error) {
      const errno = errnoOf(error);
      // ENODEV: removed between open and read.
      if (errno === ERRNO.ENOENT || errno === ERRNO.ENODEV) return null;
      // In a threaded cgroup of v2 only threads can be read (cgroups(7)); a signal to one reaches its process.
      if (errno !== ERRNO.EOPNOTSUPP) failed(`read ${path}/${file}`, error);
    }
  }
  return null;
}

/** Writes a control file. False where the file (or the cgroup) is not there. Throws `cgroup`. */
export function tryWrite(file: string, value: string): boolean {
  try {
    writeControl(file, value);
    return true;
  } catch (error) {
    const errno = error instanceof RuntError ? error.problem.errno : undefined;
    if (errno === ERRNO.ENOENT || errno === ERRNO.ENODEV) return false;
    throw error;
  }
}
