// run: create, start, wait, delete.

import { callersStatus, waitForChild } from '../linux/spawn.ts';
import { becomeSubreaper, waitForChildAsync } from '../linux/wait.ts';
import { type CreateOptions, createContainer } from './create.ts';
import { deleteContainer, destroy } from './delete.ts';
import { forwardSignals } from './forward-signals.ts';
import { signalInit } from './kill.ts';
import { startCreated } from './start.ts';

export interface RunOptions extends CreateOptions {
  /** Return when the program runs. */
  readonly detach: boolean;
  /** Leave the stopped container for `delete`. */
  readonly keep: boolean;
  readonly noSubreaper: boolean;
}

const SIGKILL = 9;

/** Returns the exit status for the caller: the program's, or 128 + the signal that ended it; 0 when detached. */
export async function runContainer(options: RunOptions): Promise<number> {
  const { root, id, log, detach, keep, noSubreaper } = options;
  if (!detach && !noSubreaper) becomeSubreaper();
  const record = await createContainer(options);
  const pid = record.init?.pid ?? 0;
  const stopForwarding = detach ? undefined : forwardSignals((signal) => void signalInit(record, signal));
  try {
    await startCreated(root, record, log);
    if (detach) return 0;
    const status = await waitForChildAsync(pid);
    stopForwarding?.();
    if (!keep) await destroy(root, record, log);
    if (status === undefined) return 255;
    return callersStatus(status);
  } catch (error) {
    stopForwarding?.();
    // Also a failed start leaves nothing: nobody knows of this container but this command.
    signalInit(record, SIGKILL);
    waitForChild(pid);
    await deleteContainer({ root, id, force: true, log });
    throw error;
  }
}
