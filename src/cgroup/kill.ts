// Signals to every process of a container, by descriptor: a pid that was given to another process meanwhile is not hit.
// In cgroups without proof of being the container's (CgroupEntry.inode) nobody is signalled: a strange process may be there, while
// the launcher and init of a creator that was killed so early end with it.

import { fail } from '../error.ts';
import { ERRNO } from '../linux/errno.ts';
import { pidfdOpen, pidfdSendSignal, waitForEnd } from '../linux/pidfd.ts';
import { syscall } from '../linux/syscall.ts';
import { waitForControl } from './control-event.ts';
import { freezeForKill, thawAfterKill, thawToDie } from './freeze.ts';
import { processesIn, sleep, tryWrite } from './processes.ts';
import { type CgroupRecord, isStillThere } from './record.ts';

const SIGKILL = 9;
/** Descriptors that are open at a time. */
const BATCH = 256;
/** Looks for processes that were born meanwhile. */
const ROUNDS = 100;

function proven(record: CgroupRecord): CgroupRecord {
  return { cgroups: record.cgroups.filter((entry) => entry.inode !== undefined && isStillThere(entry)) };
}

/** Sends a signal to each process, once. Those that are gone by then are fine. Throws `system`, `cgroup`. */
export function signalAll(recorded: CgroupRecord, signal: number): void {
  const record = proven(recorded);
  signalThese(record, processesIn(record), signal);
}

/**
 * SIGKILL to every process, until a look finds only such as have got it. Does not wait for their end.
 * v2 kills all at once (cgroup.kill, Linux 5.14). Elsewhere the cgroup is frozen so that no process forks away from the signals, and
 * thawed afterwards, since a process frozen by v1 does not die. Throws `system`, `cgroup`.
 */
export function killEvery(recorded: CgroupRecord): void {
  const record = proven(recorded);
  const unified = record.cgroups.find((entry) => entry.version === 2);
  if (unified !== undefined && tryWrite(`${unified.path}/cgroup.kill`, '1')) {
    // Of a hybrid host: they may be frozen by v1.
    thawToDie(record);
    if (record.cgroups.length === 1) return;
  }
  const signalled = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    if (processesIn(record).every((pid) => signalled.has(pid))) return;
    try {
      freezeForKill(record);
      const born = processesIn(record).filter((pid) => !signalled.has(pid));
      signalThese(record, born, SIGKILL);
      for (const pid of born) signalled.add(pid);
    } finally {
      thawAfterKill(record);
    }
  }
}

/**
 * Kills every process of the container and waits until none is left, for at most `timeout` milliseconds; then throws `cgroup`.
 */
export function killAll(recorded: CgroupRecord, timeout = 10_000): void {
  const record = proven(recorded);
  const end = performance.now() + timeout;
  for (;;) {
    const left = processesIn(record);
    const [first] = left;
    if (first === undefined) return;
    const milliseconds = end - performance.now();
    if (milliseconds < 0)
      fail({
        code: 'cgroup',
        message: `processes of the container did not die of SIGKILL within ${timeout} ms: ${left.join(', ')}`,
        hint: 'see their state in /proc/PID/status and /proc/PID/wchan',
      });
    killEvery(record);
    waitForOneOf(record, first, milliseconds);
  }
}

/** Until the process has ended; or, where v2 can tell, until all have. */
function waitForOneOf(record: CgroupRecord, pid: number, milliseconds: number): void {
  const unified = record.cgroups.length === 1 ? record.cgroups.find((entry) => entry.version === 2) : undefined;
  if (unified !== undefined) {
    waitForControl(`${unified.path}/cgroup.events`, (text) => text.includes('populated 0'), milliseconds);
    return;
  }
  const pidfd = pidfdOpen(pid);
  if (pidfd < 0) {
    // A thread of a threaded cgroup has no descriptor: it ends with its process.
    if (pidfd !== -ERRNO.ESRCH) sleep(1);
    return;
  }
  try {
    if (processesIn(record).includes(pid)) waitForEnd(pidfd, milliseconds);
  } finally {
    syscall('close', pidfd);
  }
}

function signalThese(record: CgroupRecord, pids: readonly number[], signal: number): void {
  for (let start = 0; start < pids.length; start += BATCH)
    signalBatch(record, pids.slice(start, start + BATCH), signal);
}

/**
 * The descriptors first, then another look: a pid that is still listed belongs to the process whose descriptor is held, or that one is dead
 * and the signal meets nobody.
 */
function signalBatch(record: CgroupRecord, pids: readonly number[], signal: number): void {
  const held = pids.map((pid) => ({ pid, pidfd: pidfdOpen(pid) }));
  try {
    const members = new Set(processesIn(record));
    for (const { pid, pidfd } of held) {
      if (pidfd < 0 || !members.has(pid)) continue;
      const result = pidfdSendSignal(pidfd, signal);
      if (result < 0 && result !== -ERRNO.ESRCH)
        fail({
          code: 'system',
          message: `send signal ${signal} to process ${pid} of the container`,
          syscall: 'pidfd_send_signal',
          errno: -result,
        });
    }
  } finally {
    for (const { pidfd } of held) if (pidfd >= 0) syscall('close', pidfd);
  }
}
