// Waiting for children while the event loop goes on: the engine's signal handlers run only there.

import { decodeWaitStatus, type ExitStatus } from './spawn.ts';
import { syscall } from './syscall.ts';

const WNOHANG = 1;
const EINTR = 4;
const ANY_CHILD = -1;
/** Something for the loop to wait for: signal handlers don't keep it alive. The longest that a timer can be set for. */
const FAR_AWAY = 2 ** 31 - 1;

export interface ChildWatch {
  /** When the child has ended, and is reaped. undefined: it is no child of ours. To be asked for before the event loop goes on. */
  ended(pid: number): Promise<ExitStatus | undefined>;
  /** Reaps no more. */
  stop(): void;
}

/** Reaps every child that ends, those that we have inherited as a subreaper too. */
export function watchChildren(): ChildWatch {
  const status = Buffer.alloc(8);
  const waiting = new Map<number, (status: ExitStatus | undefined) => void>();
  const alive = setInterval(() => undefined, FAR_AWAY);
  const reap = (): void => {
    for (;;) {
      const pid = syscall('wait4', ANY_CHILD, status, WNOHANG, null);
      if (pid === -EINTR) continue;
      if (pid === 0) return;
      if (pid < 0) {
        // ECHILD: nobody is left to wait for.
        for (const resolve of waiting.values()) resolve(undefined);
        waiting.clear();
        return;
      }
      waiting.get(pid)?.(decodeWaitStatus(status.readInt32LE(0)));
      waiting.delete(pid);
    }
  };
  process.on('SIGCHLD', reap);
  return {
    ended: (pid) =>
      new Promise((resolve) => {
        waiting.set(pid, resolve);
        // It may have ended before the handler was there.
        reap();
      }),
    stop() {
      process.off('SIGCHLD', reap);
      clearInterval(alive);
    },
  };
}

const PR_SET_CHILD_SUBREAPER = 36;

/** Orphans of our children become our children (prctl(2)). */
export function becomeSubreaper(): void {
  syscall('prctl', PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}
