// What is written down about a container's control groups before the first of them is made, so that whoever finds the record
// can remove them, however far their creator came.

import { statSync } from 'node:fs';
import { fail } from '../error.ts';
import { attempt } from './failure.ts';
import type { CgroupPath } from './paths.ts';

export interface CgroupEntry {
  readonly version: 1 | 2;
  /** As in /proc/self/cgroup: `cpu,cpuacct`, `name=systemd`; empty for v2. */
  readonly controllers: string;
  /** The directory of the container's cgroup. */
  readonly path: string;
  /**
   * The deepest directory of the path that was there before the container: those below it are the container's, and are removed
   * with it. Equal to `path` where the cgroup was made by somebody else, whose it stays (specification, runtime.md, "Delete").
   */
  readonly existing: string;
  /**
   * The directory's inode number, once createCgroups has made it (or accepted it as free): the proof that what is found at the path later
   * is the container's. The kernel gives each cgroup a number of its own. Absent in the record that is made first: a creator that was killed,
   * or refused the place, may never have had it, and it may be somebody else's.
   */
  readonly inode?: number;
}

/** Plain JSON; part of state.json. */
export interface CgroupRecord {
  readonly cgroups: readonly CgroupEntry[];
}

/** Looks which directories are there already. Makes nothing. */
export function recordCgroups(paths: readonly CgroupPath[]): CgroupRecord {
  return {
    cgroups: paths.map(({ version, controllers, mountPoint, path }) => {
      let existing = path;
      while (existing !== mountPoint && !isDirectory(existing)) existing = parentOf(existing);
      return { version, controllers, path, existing };
    }),
  };
}

/** The entry with its proof. */
export function confirm(entry: CgroupEntry): CgroupEntry {
  return { ...entry, inode: attempt(`look for the cgroup ${entry.path}`, () => statSync(entry.path)).ino };
}

/** False where another cgroup has taken the place of the container's, or none. Without a proof: true. */
export function isStillThere(entry: CgroupEntry): boolean {
  const { inode, path } = entry;
  if (inode === undefined) return true;
  return attempt(`look for the cgroup ${path}`, () => statSync(path, { throwIfNoEntry: false }))?.ino === inode;
}

/** The directories of the entry that are the container's, the highest first. */
export function ownDirectories(entry: CgroupEntry): readonly string[] {
  const directories: string[] = [];
  for (let path = entry.path; path.length > entry.existing.length; path = parentOf(path)) directories.unshift(path);
  return directories;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function isDirectory(path: string): boolean {
  const stat = attempt(`look for the cgroup ${path}`, () => statSync(path, { throwIfNoEntry: false }));
  if (stat === undefined) return false;
  // Control files stand in the same directory as the cgroups: a container can't be called `tasks`.
  if (!stat.isDirectory())
    return fail({
      code: 'cgroup',
      message: `${path} can't be a cgroup: a control file of the kernel has that name`,
      pointer: '/linux/cgroupsPath',
    });
  return true;
}
