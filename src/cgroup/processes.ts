// The processes in a container's control groups: list, signal, kill.

import { readdirSync, readFileSync } from 'node:fs';
import { fail, RuntError } from '../error.ts';
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

/** Sends a signal to each process, once. Those that are gone by then are fine. */
export function signalAll(record: CgroupRecord, signal: number): void {
  for (const pid of processesIn(record)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errnoOf(error) !== ERRNO.ESRCH) failed(`send signal ${signal} to process ${pid} of the container`, error);
    }
  }
}

/**
 * Kills every process of the container and waits until none is left, for at most `timeout` milliseconds; then throws `cgroup`.
 * In cgroups without proof of being the container's (CgroupEntry.inode) nothing is killed: a strange process may be there,
 * while the launcher and init of a creator that was killed so early end with it.
 * v2 kills all at once (cgroup.kill, Linux 5.14). v1 has no such file: the cgroup is frozen so that no process forks away from
 * the signals, and thawed afterwards, since a frozen process of v1 does not die.
 */
export function killAll(recorded: CgroupRecord, timeout = 10_000): void {
  const SIGKILL = 9;
  const record = { cgroups: recorded.cgroups.filter((entry) => entry.inode !== undefined && isStillThere(entry)) };
  const unified = record.cgroups.find((entry) => entry.version === 2);
  if (unified !== undefined && tryWrite(`${unified.path}/cgroup.kill`, '1') && processesIn(record).length === 0) return;
  const freezer = record.cgroups.find((entry) => entry.controllers.split(',').includes('freezer'));
  const deadline = Date.now() + timeout;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    if (processesIn(record).length === 0) return;
    try {
      if (freezer !== undefined) tryWrite(`${freezer.path}/freezer.state`, 'FROZEN');
      signalAll(record, SIGKILL);
    } finally {
      if (freezer !== undefined) tryWrite(`${freezer.path}/freezer.state`, 'THAWED');
    }
    const left = processesIn(record);
    if (left.length === 0) return;
    if (Date.now() > deadline)
      fail({
        code: 'cgroup',
        message: `processes of the container did not die of SIGKILL within ${timeout} ms: ${left.join(', ')}`,
        hint: 'see their state in /proc/PID/status and /proc/PID/wchan',
      });
    sleep(pause);
  }
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

/** False where the file (or the cgroup) is not there. */
function tryWrite(file: string, value: string): boolean {
  try {
    writeControl(file, value);
    return true;
  } catch (error) {
    const errno = error instanceof RuntError ? error.problem.errno : undefined;
    if (errno === ERRNO.ENOENT || errno === ERRNO.ENODEV) return false;
    throw error;
  }
}
