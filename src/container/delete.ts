// delete (runtime.md, "Delete"): undoes what create did, however far that came.

import { processesIn } from '../cgroup/processes.ts';
import type { CgroupEntry, CgroupRecord } from '../cgroup/record.ts';
import { removeCgroups } from '../cgroup/remove.ts';
import { fail, RuntError } from '../error.ts';
import { isSameProcess } from '../linux/procfs.ts';
import type { Log } from '../log.ts';
import { hookState, type Named, statusOf } from './state.ts';
import { type ContainerRecord, checkId, type ProcessRecord, readRecord, removeRecord } from './store.ts';

const SIGKILL = 9;
/** How long a killed process may take to end, in milliseconds. */
const PATIENCE = 10_000;

export interface DeleteOptions extends Named {
  /** Also a container that is not stopped (it is killed); one that does not exist is no error. */
  readonly force: boolean;
  readonly log: Log;
}

/** Throws `status` unless the container is stopped (or created, which runc allows too), or `force` is given; `not-found`. */
export async function deleteContainer({ root, id, force, log }: DeleteOptions): Promise<void> {
  checkId(id);
  let record: ContainerRecord | 'unfinished';
  try {
    record = readRecord(root, id);
  } catch (error) {
    if (force && error instanceof RuntError && error.problem.code === 'not-found') return;
    throw error;
  }
  if (record === 'unfinished') {
    if (!force) {
      fail({
        code: 'status',
        message: `cannot delete container "${id}": its create has just begun, or was killed`,
        hint: 'delete --force removes what is left',
      });
    }
    removeRecord(root, id);
    return;
  }
  const status = statusOf(record);
  if (!force && (status === 'running' || status === 'paused' || status === 'creating')) {
    fail({
      code: 'status',
      message: `cannot delete container "${id}" that is not stopped: ${status}`,
      hint: 'kill it first, or use --force',
    });
  }
  if (status === 'creating') {
    await endProcess(record.creator, `the create of container "${id}"`);
    // It may have come further before it was killed, or to its end: the record that was read may not know of its init.
    return deleteContainer({ root, id, force, log });
  }
  if (status !== 'stopped' && record.init !== undefined)
    await endProcess(record.init, `container "${id}"`, record.cgroups);
  await destroy(root, record, log);
}

/** Kills a process, if it still is that one, and waits until it has ended. `cgroups`: it may be frozen there. */
async function endProcess(process: ProcessRecord, name: string, cgroups?: CgroupRecord): Promise<void> {
  // koffi is loaded only now: deleting a stopped container needs nothing of it.
  const { pidfdOpen, pidfdSendSignal, waitForEnd } = await import('../linux/pidfd.ts');
  const { syscall } = await import('../linux/syscall.ts');
  const pidfd = pidfdOpen(process.pid, process.startTime);
  if (pidfd < 0) return;
  pidfdSendSignal(pidfd, SIGKILL);
  if (cgroups !== undefined) (await import('../cgroup/freeze.ts')).thawToDie(cgroups);
  const ended = waitForEnd(pidfd, PATIENCE);
  syscall('close', pidfd);
  if (!ended && isSameProcess(process.pid, process.startTime)) {
    fail({
      code: 'status',
      message: `${name} (pid ${process.pid}) was killed, but does not end`,
      hint: 'is it in an uninterruptible system call, or is a cgroup above its own frozen?',
    });
  }
}

/**
 * Kills what is left of the container, removes its cgroups and its state, and runs the poststop hooks, whose failures are warnings. Throws `system`
 * for a resource class that can't be removed, when all else is done.
 */
export async function destroy(root: string, found: ContainerRecord, log: Log): Promise<void> {
  const { lockState } = await import('./state-lock.ts');
  const release = lockState(root, found.id);
  let left: CgroupEntry[];
  let refusal: RuntError | undefined;
  const record = { ...found, cgroups: currentCgroups(root, found) };
  try {
    // In a pid namespace of its own all processes end with init. Of a create that was killed the launcher may still be there: it ends by itself, but
    // not while it waits for the kernel to make namespaces, which takes seconds where many have just ended.
    if (!(record.ownPidNamespace && record.ready) && processesIn(record.cgroups).length > 0)
      (await import('../cgroup/kill.ts')).killAll(record.cgroups);
    if (record.scope !== undefined) {
      const { endScope } = await import('./scope.ts');
      endScope(record.scope, log);
    }
    refusal = await removeResourceClass(record);
    left = removeCgroups(record.cgroups);
    removeRecord(root, record.id);
  } finally {
    release();
  }
  if (left.length > 0) (await import('./cgroup-parents.ts')).handOn(root, left);
  if (record.poststop.length > 0) await runPoststop(record, log);
  // A class that the kernel keeps must not keep the rest.
  if (refusal !== undefined) throw refusal;
}

/** With what others have given it since (cgroup-parents.ts). */
function currentCgroups(root: string, { id, cgroups }: ContainerRecord): CgroupRecord {
  try {
    const record = readRecord(root, id);
    return record === 'unfinished' ? cgroups : record.cgroups;
  } catch (error) {
    if (error instanceof RuntError) return cgroups;
    throw error;
  }
}

/** Returns what the kernel had against it. */
async function removeResourceClass({ resourceClass }: ContainerRecord): Promise<RuntError | undefined> {
  if (resourceClass === undefined) return undefined;
  const { removeClass } = await import('../resctrl/class.ts');
  try {
    removeClass(resourceClass);
  } catch (error) {
    if (error instanceof RuntError) return error;
    throw error;
  }
  return undefined;
}

async function runPoststop(record: ContainerRecord, log: Log): Promise<void> {
  const { runAllHooks } = await import('./hooks.ts');
  const state = hookState(record, 'stopped', 0);
  for (const error of runAllHooks({ kind: 'poststop', hooks: record.poststop, state, bundle: record.bundle })) {
    log.warning(error instanceof Error ? error.message : String(error));
  }
}
