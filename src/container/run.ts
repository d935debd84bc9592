// run: create, start, wait, delete.

import { callersStatus, type ExitStatus, waitForChild } from '../linux/spawn.ts';
import { becomeSubreaper, type ChildWatch, watchChildren } from '../linux/wait.ts';
import type { Log } from '../log.ts';
import type { Attached } from './attach.ts';
import { type Created, type CreateOptions, createContainer } from './create.ts';
import { deleteContainer, destroy } from './delete.ts';
import { forwardSignals } from './forward-signals.ts';
import { signalInit } from './kill.ts';
import { startCreated } from './start.ts';
import { type ContainerRecord, directoryOf } from './store.ts';

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
  const { root, log, detach, keep, noSubreaper } = options;
  if (!detach && !noSubreaper) becomeSubreaper();
  const created = await createContainer({ ...options, run: detach ? 'detached' : 'foreground' });
  const { record, terminal, notify } = created;
  const pid = record.init?.pid ?? 0;
  if (detach) {
    await started(options, created);
    if (notify !== undefined) {
      const { forwardReady } = await import('./notify.ts');
      forwardReady(notify, pid, log);
    }
    return 0;
  }
  const children = watchChildren();
  const ended = children.ended(pid);
  const attached = terminal === undefined ? undefined : await attach(options, terminal, children, record);
  const stopForwarding = passOn(record, attached);
  let status: ExitStatus | undefined;
  try {
    await started(options, created);
    const stopNotifying = notify === undefined ? undefined : await forwardNotifications(notify, log);
    status = await ended;
    stopNotifying?.();
    // A program that was started there and has outlived init may still hold the terminal.
    if (!keep) await destroy(root, record, log);
  } finally {
    stopForwarding();
    await attached?.finish();
    children.stop();
  }
  if (status === undefined) return 255;
  return callersStatus(status);
}

/** Also a failed start leaves nothing: nobody knows of this container but this command. */
async function started({ root, log }: RunOptions, { record }: Created): Promise<void> {
  try {
    await startCreated(root, record, log);
  } catch (error) {
    await abandon(root, record, log);
    throw error;
  }
}

async function abandon(root: string, record: ContainerRecord, log: Log): Promise<void> {
  signalInit(record, SIGKILL);
  waitForChild(record.init?.pid ?? 0);
  await deleteContainer({ root, id: record.id, force: true, log });
}

async function attach(
  { root, log }: RunOptions,
  terminal: number,
  children: ChildWatch,
  record: ContainerRecord,
): Promise<Attached> {
  const { attachTerminal } = await import('./attach.ts');
  try {
    return attachTerminal(terminal, children, directoryOf(root, record.id));
  } catch (error) {
    children.stop();
    await abandon(root, record, log);
    throw error;
  }
}

/** The service manager is told of this process: it ends with the container. */
async function forwardNotifications(socket: number, log: Log): Promise<() => void> {
  const { forwardReadyMeanwhile } = await import('./notify.ts');
  return forwardReadyMeanwhile(socket, process.pid, log);
}

function passOn(record: ContainerRecord, attached: Attached | undefined): () => void {
  return forwardSignals((signal, name) => {
    // The container's own terminal tells its programs of a new size.
    if (attached !== undefined && name === 'SIGWINCH') {
      attached.resized();
      return;
    }
    if (name === 'SIGCONT') attached?.continued();
    signalInit(record, signal);
  });
}
