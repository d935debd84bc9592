// kill (runtime.md, "Kill").

import { thawToDie } from '../cgroup/freeze.ts';
import { killEvery, signalAll } from '../cgroup/kill.ts';
import { processesIn } from '../cgroup/processes.ts';
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

/**
 * To init; with `all`, or SIGKILL for a container without a pid namespace of its own, to every process in its cgroups, also when init is gone.
 * Throws `status` (with no effect) unless the container is created, running or paused; not with `all`, which finds nobody to signal then, as in runc.
 */
export function killContainer({ root, id, signal, all }: KillOptions): void {
  const record = requireRecord({ root, id });
  const status = statusOf(record);
  const lives = status === 'created' || status === 'running' || status === 'paused';
  // Without a pid namespace the others outlive init: runc, too, kills all then. A caller without privileges may have had no cgroups: then only
  // init is known.
  const every = (all || (signal === SIGKILL && !record.ownPidNamespace)) && record.cgroups.cgroups.length > 0;
  if (every) {
    if (!lives && !all && processesIn(record.cgroups).length === 0) refuse(id);
    if (signal === SIGKILL) killEvery(record.cgroups);
    else signalAll(record.cgroups, signal);
    return;
  }
  if (!lives || !signalInit(record, signal)) refuse(id);
  if (signal === SIGKILL) thawToDie(record.cgroups);
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
