// An exec that stays until its program ends: signals are passed on, and a terminal is brought together with the caller's.

import { callersStatus } from '../linux/spawn.ts';
import { syscall } from '../linux/syscall.ts';
import { watchChildren } from '../linux/wait.ts';
import type { Attached } from './attach.ts';
import type { Heard } from './exec-converse.ts';
import { forwardSignals } from './forward-signals.ts';

export interface Foreground {
  /** Until the program ends: the exit status for the caller. `master` is the program's terminal, if it has one; it is closed. */
  wait(pid: number, master: number | undefined): Promise<number>;
  /** Passes on no signals any more. */
  stop(): void;
}

/** Signals are kept, or passed on once there is somebody to get them. `directory`: see `spawnLauncher`. */
export function forwardTo(heard: Heard, directory: string): Foreground {
  let attached: Attached | undefined;
  const stop = forwardSignals((signal, name) => {
    // The program's own terminal tells it of a new size.
    if (attached !== undefined && name === 'SIGWINCH') return attached.resized();
    if (name === 'SIGCONT') attached?.continued();
    if (heard.pid === undefined) heard.signal = signal;
    else syscall('kill', heard.pid, signal);
  });
  return {
    stop,
    async wait(pid, master) {
      const children = watchChildren();
      try {
        const ended = children.ended(pid);
        if (master !== undefined) {
          const { attachTerminal } = await import('./attach.ts');
          attached = attachTerminal(master, children, directory);
        }
        const status = await ended;
        // Reaped: from here on the pid may be another's.
        heard.children.length = 0;
        stop();
        return status === undefined ? 255 : callersStatus(status);
      } finally {
        await attached?.finish();
        children.stop();
      }
    },
  };
}
