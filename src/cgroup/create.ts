// Makes a container's control groups and opens what its first process needs to be born in them.
//
// The runtime does not write init's pid to cgroup.procs: in v1 each such write takes the lock that every fork and exec of the
// host takes for reading (cgroup_threadgroup_rwsem), and waits for an RCU grace period to get it. A thread that moves itself
// by writing 0 to `tasks` takes none (cgroup_attach_lock in kernel/cgroup/cgroup.c). So the launcher, which has one thread,
// enters through the descriptors opened here, before it clones init; and in v2 it clones init into the cgroup (CLONE_INTO_CGROUP,
// clone(2)). Init never runs anywhere else, and a new cgroup namespace has these cgroups as its roots.

import { closeSync, constants, existsSync, mkdirSync, openSync, rmdirSync } from 'node:fs';
import { fail } from '../error.ts';
import { ERRNO, errnoOf } from '../linux/errno.ts';
import { readControl, writeControl } from './control-file.ts';
import { attempt, failed } from './failure.ts';
import { pidsBelow } from './processes.ts';
import { type CgroupEntry, type CgroupRecord, confirm, ownDirectories, parentOf } from './record.ts';

/** open(2) of asm-generic/fcntl.h; the same on x86-64 and arm64. Missing in node:fs. */
const O_PATH = 0o10000000;

/** A descriptor, close-on-exec, through which the launcher enters. */
export interface CgroupHandle {
  /** As in /proc/self/cgroup: `cpu,cpuacct`, `name=systemd`; empty for v2. */
  readonly controllers: string;
  /** The cgroup's directory. */
  readonly path: string;
  readonly fd: number;
}

export interface CgroupHandles {
  /** v1: the `tasks` files, to each of which the launcher writes "0". */
  readonly tasks: readonly CgroupHandle[];
  /** v2: the directory (O_PATH), for CLONE_INTO_CGROUP. */
  readonly unified: CgroupHandle | null;
  /** Replaces the record that was given: it proves which cgroups are the container's. Only what it names is ever killed (killAll). */
  readonly record: CgroupRecord;
}

/**
 * Makes the recorded directories and opens the handles. Where it fails, it removes what it made and throws `cgroup`.
 * A cgroup that was there is used if no process is in it (as runc 1.1 and later); none may be frozen: init would hang.
 * `pointer` is the config's value that named the place, if one did; `inhabitant` a process of the container's that may be in it already.
 */
export function createCgroups(record: CgroupRecord, pointer?: string, inhabitant?: number): CgroupHandles {
  const made: string[] = [];
  const tasks: CgroupHandle[] = [];
  let unified: CgroupHandle | null = null;
  const cgroups: CgroupEntry[] = [];
  try {
    for (const entry of record.cgroups) {
      if (entry.existing === entry.path) refuseOccupied(entry, pointer, inhabitant);
      makeDirectories(entry, made, pointer);
      cgroups.push(confirm(entry));
      const { version, controllers, path } = entry;
      refuseFrozenCgroup(entry, pointer);
      if (version === 2) {
        unified = { controllers, path, fd: open(path, O_PATH | constants.O_DIRECTORY, pointer) };
        continue;
      }
      const names = controllers.split(',');
      if (names.includes('cpuset')) inheritCpuset(entry, pointer);
      tasks.push({ controllers, path, fd: open(`${path}/tasks`, constants.O_WRONLY, pointer) });
    }
  } catch (error) {
    closeHandles({ tasks, unified });
    removeMade(made);
    throw error;
  }
  return { tasks, unified, record: { cgroups } };
}

/**
 * Refuses cgroups that are there and can't become the container's: what `createCgroups` would find, before systemd is asked for a scope in
 * their place. Throws `cgroup`.
 */
export function refuseUnusable({ cgroups }: CgroupRecord, pointer: string): void {
  for (const entry of cgroups) {
    if (!existsSync(entry.path)) continue;
    refuseOccupied(entry, pointer, undefined);
    refuseFrozenCgroup(entry, pointer);
  }
}

/** Once the launcher has its copies, the runtime needs the descriptors no more. */
export function closeHandles(handles: Pick<CgroupHandles, 'tasks' | 'unified'>): void {
  for (const handle of handles.tasks) closeSync(handle.fd);
  if (handles.unified !== null) closeSync(handles.unified.fd);
}

function open(path: string, flags: number, pointer: string | undefined): number {
  return attempt(`open ${path}`, () => openSync(path, flags), pointer);
}

function makeDirectories(entry: CgroupEntry, made: string[], pointer: string | undefined): void {
  for (const path of ownDirectories(entry)) {
    try {
      makeDirectory(path);
      made.push(path);
    } catch (error) {
      // Another container may make a shared parent at the same moment. The cgroup itself must be ours: who made it means to use it.
      if (errnoOf(error) === ERRNO.EEXIST && path !== entry.path) continue;
      if (errnoOf(error) === ERRNO.EEXIST)
        failed(
          `make the cgroup ${path}: somebody else made it just now`,
          error,
          pointer,
          'is its path given to two containers?',
        );
      failed(`make the cgroup ${path}`, error, pointer);
    }
  }
}

/** Throws what node:fs throws. Not mkdirSync's `recursive`, which tries for ever where the file system answers ENOENT, as procfs does. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, 0o755);
  } catch (error) {
    if (errnoOf(error) !== ERRNO.ENOENT) throw error;
    // The parent was there when the record was made: the last container in it has been deleted since, and the parent with it.
    makeParent(parentOf(path));
    mkdirSync(path, 0o755);
  }
}

function makeParent(path: string): void {
  try {
    makeDirectory(path);
  } catch (error) {
    if (errnoOf(error) !== ERRNO.EEXIST) throw error;
  }
}

function removeMade(made: readonly string[]): void {
  for (const path of made.toReversed()) {
    try {
      rmdirSync(path);
    } catch {
      // The failure that led here is the one to report. What is left, such as a parent that another container uses by now, is in the record.
    }
  }
}

function refuseOccupied(entry: CgroupEntry, pointer: string | undefined, inhabitant: number | undefined): void {
  const pids = pidsBelow(entry).filter((pid) => pid !== inhabitant);
  if (pids.length === 0) return;
  fail({
    code: 'cgroup',
    message: `container's cgroup is not empty: ${pids.length} process(es) found in ${entry.path}`,
    ...(pointer === undefined ? {} : { pointer }),
    hint: 'another container uses this cgroup',
  });
}

/** Also for a new cgroup: it is frozen where one above it is. */
function refuseFrozenCgroup({ version, controllers, path }: CgroupEntry, pointer: string | undefined): void {
  if (version === 2) refuseFrozen(`${path}/cgroup.events`, (text) => text.includes('frozen 1'), pointer);
  else if (controllers.split(',').includes('freezer'))
    refuseFrozen(`${path}/freezer.state`, (text) => !text.startsWith('THAWED'), pointer);
}

function refuseFrozen(file: string, isFrozen: (text: string) => boolean, pointer: string | undefined): void {
  if (!isFrozen(readControl(file, pointer))) return;
  fail({
    code: 'cgroup',
    message: `container's cgroup unexpectedly frozen: ${file}`,
    ...(pointer === undefined ? {} : { pointer }),
    hint: 'thaw it, or the cgroup above it that is frozen',
  });
}

/**
 * A new v1 cpuset has no processors and no memory nodes, and takes no task until it has (ENOSPC; cpusets(7)): each level gets what the
 * level above has. A level that has some keeps them.
 */
function inheritCpuset(entry: CgroupEntry, pointer: string | undefined): void {
  const [first, ...rest] = [entry.existing, ...ownDirectories(entry)];
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const value = valueAbove(first ?? entry.path, file, pointer);
    for (const path of rest) writeControl(`${path}/${file}`, value, pointer);
  }
}

/** The directory's own value; where it is empty, that of the first level above that has one, which is given to all between. */
function valueAbove(path: string, file: string, pointer: string | undefined): string {
  const value = readControl(`${path}/${file}`, pointer).trim();
  // The root is never empty, so this ends there.
  if (value !== '') return value;
  const inherited = valueAbove(parentOf(path), file, pointer);
  writeControl(`${path}/${file}`, inherited, pointer);
  return inherited;
}
