// An exec that stays until its program ends: signals are passed on, and a terminal is brought together with the caller's.

import { callersStatus, type ExitStatus } from '../linux/spawn.ts';
import { syscall } from '../linux/syscall.ts';
import { type ChildWatch, watchChildren } from '../linux/wait.ts';
import type { Attached } from './attach.ts';
import type { Heard } from './exec-converse.ts';
import { forwardSignals } from './forward-signals.ts';

export interface Foreground {
  /** Brings the program's terminal, which it takes charge of, together with the caller's. Throws `system`. */
  attach(pid: number, master: number): Promise<void>;
  /** Until the program ends: the exit status for the caller. */
  wait(pid: number): Promise<number>;
  /** Passes on no signals any more; the caller's terminal is as it was. */
  stop(): Promise<void>;
}

/** Signals are kept, or passed on once there is somebody to get them. `directory`: see `spawnLauncher`. `relays`: a terminal will be attached. */
export function forwardTo(heard: Heard, directory: string, relays: boolean): Foreground {
  let attached: Attached | undefined;
  let children: ChildWatch | undefined;
  let ended: Promise<ExitStatus | undefined> | undefined;
  const stopForwarding = forwardSignals((signal, name) => {
    // The program's own terminal tells it of a new size.
    if (attached !== undefined && name === 'SIGWINCH') return attached.resized();
    if (name === 'SIGCONT') attached?.continued();
    if (heard.pid === undefined) heard.signal = signal;
    else syscall('kill', heard.pid, signal);
  }, relays);
  const watch = (pid: number): ChildWatch => {
    const watched = children ?? watchChildren();
    children = watched;
    ended ??= watched.ended(pid).then((status) => {
      // Reaped: from here on the pid may be another's.
      heard.children.length = 0;
      stopForwarding();
      return status;
    });
    return watched;
  };
  return {
    async attach(pid, master) {
      const { attachTerminal } = await import('./attach.ts');
      attached = attachTerminal(master, watch(pid), directory);
    },
    async wait(pid) {
      watch(pid);
      attached?.readInput();
      const status = await ended;
      return status === undefined ? 255 : callersStatus(status);
    },
    async stop() {
      stopForwarding();
      await attached?.finish();
      children?.stop();
    },
  };
}
