// Waiting for a child while the event loop goes on: the engine's signal handlers run only there.

import { decodeWaitStatus, type ExitStatus } from './spawn.ts';
import { syscall } from './syscall.ts';

const WNOHANG = 1;
const EINTR = 4;
/** Something for the loop to wait for: signal handlers don't keep it alive. The longest that a timer can be set for. */
const FAR_AWAY = 2 ** 31 - 1;

/** Reaps the child when it has ended. undefined: it is not our child. */
export function waitForChildAsync(pid: number): Promise<ExitStatus | undefined> {
  const status = Buffer.alloc(8);
  return new Promise((resolve) => {
    const alive = setInterval(() => undefined, FAR_AWAY);
    const look = (): void => {
      let result = syscall('wait4', pid, status, WNOHANG, null);
      while (result === -EINTR) result = syscall('wait4', pid, status, WNOHANG, null);
      if (result === 0) return;
      process.off('SIGCHLD', look);
      clearInterval(alive);
      resolve(result === pid ? decodeWaitStatus(status.readInt32LE(0)) : undefined);
    };
    process.on('SIGCHLD', look);
    // It may have ended before the handler was there.
    look();
  });
}

const PR_SET_CHILD_SUBREAPER = 36;

/** Orphans of our children become our children (prctl(2)). */
export function becomeSubreaper(): void {
  syscall('prctl', PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}
