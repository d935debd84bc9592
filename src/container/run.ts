// run: create, start, wait, delete.

import { waitForChild } from '../linux/spawn.ts';
import { becomeSubreaper, waitForChildAsync } from '../linux/wait.ts';
import { type CreateOptions, createContainer } from './create.ts';
import { deleteContainer, destroy } from './delete.ts';
import { signalInit } from './kill.ts';
import { startCreated } from './start.ts';
import type { ContainerRecord } from './store.ts';

export interface RunOptions extends CreateOptions {
  /** Return when the program runs. */
  readonly detach: boolean;
  /** Leave the stopped container for `delete`. */
  readonly keep: boolean;
  readonly noSubreaper: boolean;
}

const SIGKILL = 9;

/** What a person or a service manager may send to `run`, meaning the container. Not those that a fault of ours raises. */
const FORWARDED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTERM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGALRM',
  'SIGWINCH',
  'SIGVTALRM',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGIO',
  'SIGPWR',
] as const;

/** Returns the exit status for the caller: the program's, or 128 + the signal that ended it; 0 when detached. */
export async function runContainer(options: RunOptions): Promise<number> {
  const { root, id, log, detach, keep, noSubreaper } = options;
  if (!detach && !noSubreaper) becomeSubreaper();
  const record = await createContainer({ ...options, foreground: !detach });
  const pid = record.init?.pid ?? 0;
  const stopForwarding = detach ? undefined : forwardSignals(record);
  try {
    await startCreated(root, record, log);
    if (detach) return 0;
    const status = await waitForChildAsync(pid);
    stopForwarding?.();
    if (!keep) await destroy(root, record, log);
    if (status === undefined) return 255;
    return 'exited' in status ? status.exited : 128 + status.signal;
  } catch (error) {
    stopForwarding?.();
    // Also a failed start leaves nothing: nobody knows of this container but this command.
    signalInit(record, SIGKILL);
    waitForChild(pid);
    await deleteContainer({ root, id, force: true, log });
    throw error;
  }
}

function forwardSignals(record: ContainerRecord): () => void {
  const forward = (_name: string, signal: number): void => void signalInit(record, signal);
  for (const name of FORWARDED) process.on(name, forward);
  return () => {
    for (const name of FORWARDED) process.off(name, forward);
  };
}
