// kill (runtime.md, "Kill").

import { processesIn, signalAll } from '../cgroup/processes.ts';
import { fail } from '../error.ts';
import { pidfdOpen, pidfdSendSignal } from '../linux/pidfd.ts';
import { syscall } from '../linux/syscall.ts';
import { type Named, requireRecord, statusOf } from './state.ts';
import type { ContainerRecord } from './store.ts';

export interface KillOptions extends Named {
  /** 1 to 64. */
  readonly signal: number;
  /** To every process of the container. */
  readonly all: boolean;
}

const SIGKILL = 9;

/** Throws `status` (with no effect) unless the container is created or running. */
export function killContainer({ root, id, signal, all }: KillOptions): void {
  const record = requireRecord({ root, id });
  const status = statusOf(record);
  // A caller without privileges may have had no cgroups: then only init is known.
  const hasCgroups = record.cgroups.cgroups.length > 0;
  if (all && hasCgroups) {
    // Processes may be left when init is gone, if they have no pid namespace of their own.
    if (status === 'stopped' && processesIn(record.cgroups).length === 0) refuse(id);
    signalAll(record.cgroups, signal);
    return;
  }
  if (status !== 'created' && status !== 'running') refuse(id);
  // Without a pid namespace the others would outlive init: runc, too, kills all then.
  if (signal === SIGKILL && !record.ownPidNamespace && hasCgroups) {
    signalAll(record.cgroups, signal);
    return;
  }
  if (!signalInit(record, signal)) refuse(id);
}

function refuse(id: string): never {
  fail({ code: 'status', message: `container not running: "${id}" cannot be signalled` });
}

/** False: the process is gone. By descriptor, so that no other process that got its pid meanwhile is hit. */
export function signalInit(record: ContainerRecord, signal: number): boolean {
  if (record.init === undefined) return false;
  const pidfd = pidfdOpen(record.init.pid, record.init.startTime);
  if (pidfd < 0) return false;
  const result = pidfdSendSignal(pidfd, signal);
  syscall('close', pidfd);
  if (result < 0 && result !== -3) {
    fail({
      code: 'system',
      message: `send signal ${signal} to the init of container "${record.id}" (pid ${record.init.pid})`,
      syscall: 'pidfd_send_signal',
      errno: -result,
    });
  }
  return result === 0;
}
