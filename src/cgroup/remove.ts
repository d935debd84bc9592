// Removes a container's control groups: exactly the directories that its record calls its own, and what it made in them.

import { rmdirSync } from 'node:fs';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { failed } from './failure.ts';
import { processesIn, sleep, subCgroups } from './processes.ts';
import { type CgroupEntry, type CgroupRecord, isStillThere, ownDirectories } from './record.ts';

/**
 * The processes must have been killed before (killAll): a cgroup is busy until its last process has gone through exit, which is waited
 * for, at most `timeout` milliseconds for all together. Directories that are gone are fine, so it can be repeated, and the
 * record may be that of a creator who was killed half-way. Returns the parents that were made for the container and are in use by others now: an entry
 * each, with the lowest of them as its path. Throws `cgroup`.
 */
export function removeCgroups(record: CgroupRecord, timeout = 5_000): CgroupEntry[] {
  const left: CgroupEntry[] = [];
  const deadline = Date.now() + timeout;
  for (const entry of record.cgroups) {
    const [own, ...above] = ownDirectories(entry).toReversed();
    if (own === undefined) continue;
    if (isStillThere(entry)) removeTree(own, entry, deadline);
    left.push(...removeParents(entry, above));
  }
  return left;
}

/** Of parents that are left (see removeCgroups) those that nobody uses any more, and what is left now. Throws `cgroup`. */
export function removeUnused(parents: readonly CgroupEntry[]): CgroupEntry[] {
  return parents.flatMap((entry) => removeParents(entry, ownDirectories(entry).toReversed()));
}

/** From below, as far as nobody else has come to use them. */
function removeParents(entry: CgroupEntry, paths: readonly string[]): CgroupEntry[] {
  const used = paths.find((path) => tryRemove(path) !== null);
  return used === undefined ? [] : [{ ...entry, path: used }];
}

function removeTree(path: string, entry: CgroupEntry, deadline: number): void {
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    // Most have no sub-cgroups: they are looked for only where the directory turns out to be busy.
    let error = tryRemove(path);
    if (error === null) return;
    const names = subCgroups(path);
    for (const name of names) removeTree(`${path}/${name}`, entry, deadline);
    if (names.length > 0) error = tryRemove(path);
    if (error === null) return;
    if (Date.now() > deadline) {
      const pids = processesIn({ cgroups: [entry] });
      const why = pids.length === 0 ? '' : `: in it are still the processes ${pids.join(', ')}`;
      failed(`remove the cgroup ${path}${why}`, error);
    }
    sleep(pause);
  }
}

/** Null where the cgroup is gone now, else the error that says that it is busy. */
function tryRemove(path: string): unknown {
  try {
    rmdirSync(path);
    return null;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ERRNO.ENOENT) return null;
    if (errno === ERRNO.EBUSY || errno === ERRNO.ENOTEMPTY) return error;
    return failed(`remove the cgroup ${path}`, error);
  }
}
